//! Statements that look through a whole table, found in builds that check themselves.
//!
//! What takes microseconds over the ten rows of a test takes a second over a million, and in the writer everybody waits
//! for it. So a statement that went along a table or an index from one end must say in itself why it has to,
//! `/* all: … */`; of one that does not, the program ends where it was run, whatever the number of rows. Left out are
//! tables that stay small, and indexes that hold only the rows that are asked for. Releases do not look.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};

/// How a statement says that it looks through everything, and why.
const SAYS_SO: &str = "/* all:";

/// Tables with a row for each thing that people set up.
const SMALL: &[&str] = &[
    "account_secrets",
    "accounts",
    "audiences",
    "choice_renames",
    "earlier_plugins",
    "event_cursors",
    "fields",
    "former_lists",
    "halts",
    "import_profiles",
    "instance_note",
    "lanes",
    "lists",
    "origin_pauses",
    "plugins",
    "purposes",
    "schedules",
    "segment_lists",
    "segment_purposes",
    "segment_syncs",
    "segments",
    "sync_pictures",
    "syncs",
    "tags",
    "workspace",
];

thread_local! {
    static STATEMENTS: RefCell<Statements> = RefCell::default();
}

/// The statements of a thread that went from one row to the next.
#[derive(Default)]
struct Statements {
    unjudged: BTreeSet<String>,
    judged: BTreeSet<String>,
}

/// Has a connection's statements noted.
pub(crate) fn watch(connection: &Connection) {
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(note));
}

fn note(event: TraceEvent<'_>) {
    let TraceEvent::Profile(statement, _) = event else { return };
    if statement.get_status(StatementStatus::FullscanStep) == 0 {
        return;
    }
    let sql = statement.sql();
    if sql.contains(SAYS_SO) || sql.starts_with("EXPLAIN") || sql.starts_with("PRAGMA") {
        return;
    }
    STATEMENTS.with_borrow_mut(|statements| {
        if !statements.judged.contains(&*sql) {
            statements.unjudged.insert(sql.into_owned());
        }
    });
}

/// Judges the statements that were noted on this thread, by a connection to their database.
///
/// # Panics
///
/// When one of them looks through a table that may be large, and does not say why.
pub(crate) fn judge(connection: &Connection) {
    let unjudged = STATEMENTS.with_borrow_mut(|statements| std::mem::take(&mut statements.unjudged));
    for sql in unjudged {
        // One that can't be explained can't be prepared any more either: its tables have changed since.
        let tables = looked_through(connection, &sql).unwrap_or_default();
        assert!(
            tables.is_empty(),
            "a statement looks through all of {tables:?}: give it an index to go by, or say in it why it has to, \
             `{SAYS_SO} …*/`\n{sql}"
        );
        STATEMENTS.with_borrow_mut(|statements| statements.judged.insert(sql));
    }
}

/// The tables that may be large and through which a statement goes from one end.
fn looked_through(connection: &Connection, sql: &str) -> rusqlite::Result<BTreeSet<String>> {
    let large = large(connection)?;
    let mut explain = connection.prepare(&format!("EXPLAIN {sql}"))?;
    let mut rows = explain.raw_query();
    let (mut opened, mut tables) = (BTreeMap::new(), BTreeSet::new());
    while let Some(row) = rows.next()? {
        let (step, cursor): (String, i64) = (row.get("opcode")?, row.get("p1")?);
        match step.as_str() {
            "OpenRead" | "OpenWrite" => {
                opened.insert(cursor, row.get::<_, i64>("p2")?);
            }
            "Rewind" | "Last" => tables.extend(opened.get(&cursor).and_then(|root| large.get(root)).cloned()),
            _ => {}
        }
    }
    Ok(tables)
}

/// Tables that may be large, by the first page of each and of each of its indexes.
fn large(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, String>> {
    let mut statement = connection.prepare(
        "SELECT rootpage, tbl_name FROM sqlite_schema
         WHERE rootpage > 0 AND (type <> 'index' OR sql IS NULL OR instr(sql, ' WHERE ') = 0)",
    )?;
    let tables = statement.query_map([], |row| row.try_into())?;
    let mut large = BTreeMap::new();
    for table in tables {
        let (root, name): (i64, String) = table?;
        if !name.starts_with("sqlite_") && !SMALL.contains(&name.as_str()) {
            large.insert(root, name);
        }
    }
    Ok(large)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of a table with three rows and an index is looked through.
    fn judged(statement: &str) -> std::thread::Result<()> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, left_at INTEGER);
                 CREATE INDEX people_by_name ON people (name);
                 CREATE INDEX people_gone ON people (left_at) WHERE left_at IS NOT NULL;
                 CREATE TABLE lists (id INTEGER PRIMARY KEY, name TEXT);
                 INSERT INTO people (name, left_at) VALUES ('a', NULL), ('b', 1), ('c', 2);
                 INSERT INTO lists (name) VALUES ('a'), ('b'), ('c')",
            )
            .unwrap();
        watch(&connection);
        let mut prepared = connection.prepare(statement).unwrap();
        let mut rows = prepared.raw_query();
        while rows.next().unwrap().is_some() {}
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| judge(&connection)))
    }

    #[test]
    fn a_statement_that_looks_through_a_table_says_why() {
        for statement in [
            "SELECT id FROM people WHERE left_at = 1 OR name = 'a' OR id > 9 OR left_at IS NULL",
            "SELECT count(*) FROM people WHERE name IS NOT 'b'",
            "DELETE FROM people WHERE name || '' = 'a'",
            "SELECT p.id FROM lists l, people p WHERE p.left_at IS l.id",
        ] {
            let panic = *judged(statement).expect_err(statement).downcast::<String>().unwrap();
            assert!(panic.contains("all of {\"people\"}") && panic.contains(statement), "{panic}");
        }
        for statement in [
            "SELECT id FROM people WHERE name = 'a'",
            "SELECT id FROM people WHERE left_at IS NOT NULL ORDER BY left_at",
            "SELECT p.id FROM lists l CROSS JOIN people p ON p.name = l.name",
            "SELECT max(id) FROM people",
            "SELECT id FROM people WHERE name IS NOT 'b' /* all: somebody wants to know */",
        ] {
            judged(statement).unwrap();
        }
    }
}
