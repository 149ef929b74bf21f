//! What a store knows of itself.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::instance::{History, Inside, Mark, Place, Suspicion};
use postroom_store::Result;
use postroom_store::instance::{Acceptance, InstanceNote, InstanceStore, Renewal, Suspected};
use postroom_store::intents::{Halt, Halted};
use rusqlite::Connection;

use crate::columns::{from_word, word};
use crate::failure::Step;
use crate::intent_lanes;
use crate::store::SqliteStore;

/// Who takes the lanes of a store over that is held: nobody, so that nobody's lane is current.
const NOBODY: &str = "(held)";

/// Whether anything was ever armed: in these states it was, and of what was cleared away its key is left. Each state
/// is looked up by its index, since this is asked every few seconds.
const WAS_ARMED: &str = "SELECT EXISTS (SELECT 1 FROM intents WHERE state = 'armed')
            OR EXISTS (SELECT 1 FROM intents WHERE state = 'in-doubt')
            OR EXISTS (SELECT 1 FROM intents WHERE state = 'done')
            OR EXISTS (SELECT 1 FROM intents WHERE state = 'rejected')
            OR EXISTS (SELECT 1 FROM intents WHERE state = 'abandoned')
            OR EXISTS (SELECT 1 FROM spent_effects)";
/// Whether anything was planned, or a sync has run.
const HAS_WORKED: &str = "SELECT EXISTS (SELECT 1 FROM intents) OR EXISTS (SELECT 1 FROM runs)";

#[async_trait]
impl InstanceStore for SqliteStore {
    async fn instance_note(&self) -> Result<InstanceNote> {
        self.read("read what it knows of itself", note).await
    }

    async fn renew_mark(&self, renewal: &Renewal) -> Result<()> {
        let renewal = renewal.clone();
        self.write("renew its mark", move |connection| renew(connection, &renewal)).await
    }

    async fn suspect_instance(&self, suspicion: Suspicion, why: &str, at: Timestamp) -> Result<Suspected> {
        let why = why.to_owned();
        self.write("hold its intents", move |connection| suspect(connection, suspicion, why, at)).await
    }

    async fn accept_instance(&self, acceptance: &Acceptance) -> Result<Option<Halted>> {
        let acceptance = acceptance.clone();
        self.write("let its intents go on", move |connection| accept(connection, &acceptance)).await
    }
}

fn note(connection: &Connection) -> Step<InstanceNote> {
    let instance = connection.query_row("SELECT instance FROM workspace", [], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(
        "SELECT mark, nonce, before, machine, folder, kept_in, suspicion FROM instance_note WHERE id = 1",
    )?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let (number, nonce): (Option<u64>, Option<String>) = (row.get(0)?, row.get(1)?);
    let machine: Option<String> = row.get(3)?;
    let suspicion: Option<String> = row.get(6)?;
    Ok(InstanceNote {
        instance,
        inside: Inside {
            mark: number.zip(nonce).map(|(number, nonce)| Mark { number, nonce }),
            before: row.get(2)?,
            place: row.get::<_, Option<String>>(4)?.map(|folder| Place { machine, folder }),
            history: history(connection)?,
        },
        kept_in: row.get(5)?,
        suspicion: suspicion.map(|word| from_word("suspicion", &word)).transpose()?,
    })
}

fn history(connection: &Connection) -> Step<History> {
    let is_so =
        |sql: &str| -> Step<bool> { Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, bool>(0))?) };
    Ok(if is_so(WAS_ARMED)? {
        History::Armed
    } else if is_so(HAS_WORKED)? {
        History::Worked
    } else {
        History::None
    })
}

fn renew(connection: &Connection, renewal: &Renewal) -> Step<()> {
    let Renewal { mark, before, place, kept_in } = renewal;
    connection
        .prepare_cached(
            "UPDATE instance_note SET mark = ?, nonce = ?, before = ?, machine = ?, folder = ?, kept_in = ? WHERE id = 1",
        )?
        .execute((mark.number, &mark.nonce, before, &place.machine, &place.folder, kept_in))?;
    Ok(())
}

fn suspect(connection: &Connection, suspicion: Suspicion, why: String, at: Timestamp) -> Step<Suspected> {
    intent_lanes::halt(connection, &Halted { halt: Halt::Hold, why, at })?;
    connection.prepare_cached("UPDATE instance_note SET suspicion = ? WHERE id = 1")?.execute([word(&suspicion)?])?;
    let mut statement = connection.prepare_cached("SELECT id FROM accounts ORDER BY id")?;
    let accounts: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut suspected = Suspected::default();
    for account in accounts {
        let taken = intent_lanes::take_over(connection, account, NOBODY, at)?;
        suspected.released += taken.released;
        suspected.in_doubt += taken.in_doubt;
    }
    Ok(suspected)
}

fn accept(connection: &Connection, acceptance: &Acceptance) -> Step<Option<Halted>> {
    let held = intent_lanes::halts(connection)?.into_iter().find(|halted| halted.halt == Halt::Hold);
    intent_lanes::lift(connection, Halt::Hold)?;
    connection.prepare_cached("UPDATE instance_note SET suspicion = NULL WHERE id = 1")?.execute([])?;
    if let Some(instance) = &acceptance.instance {
        connection.prepare_cached("UPDATE workspace SET instance = ?")?.execute([instance])?;
    }
    if let Some(renewal) = &acceptance.renewal {
        renew(connection, renewal)?;
    }
    Ok(held)
}
