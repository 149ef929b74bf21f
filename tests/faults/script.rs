//! A story made from a number: who is imported, who is at the provider already, and what changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

/// The policies for newcomers without a recorded consent, one for each story in turn, and the status
/// with which the provider creates them.
const POLICIES: [(&str, Option<&str>); 4] = [
    ("skip", None),
    ("unsubscribed", Some("unsubscribed")),
    ("no-marketing", Some("transactional")),
    ("double-opt-in", Some("pending")),
];

/// A story.
pub(crate) struct Script {
    /// The policy for newcomers.
    pub(crate) newcomers: &'static str,
    /// The status that newcomers are created with; none where they stay at home.
    pub(crate) newcomer_status: Option<&'static str>,
    /// Who is at the provider before the first import, as seeds.
    pub(crate) members: Vec<Value>,
    /// Addresses that the provider has erased for good.
    pub(crate) forgotten: Vec<String>,
    /// What happens, in order.
    pub(crate) phases: Vec<Phase>,
}

/// One import and everything around it.
#[derive(Clone, Default)]
pub(crate) struct Phase {
    /// What people do at the provider before: acts of its control port.
    pub(crate) acts: Vec<(&'static str, Value)>,
    /// The rows of the list, in order.
    pub(crate) rows: Vec<Row>,
    /// The numbers of those who have agreed so far.
    pub(crate) granted: BTreeSet<usize>,
    /// The addresses of those who withdraw in this phase.
    pub(crate) withdrawals: Vec<String>,
    /// The numbers of all who have withdrawn so far.
    pub(crate) withdrawn: BTreeSet<usize>,
}

/// One row of a list.
#[derive(Clone)]
pub(crate) struct Row {
    /// The guest's number; several rows may have it.
    pub(crate) guest: usize,
    /// What stands in the column of the address.
    pub(crate) email: String,
    pub(crate) firstname: String,
    pub(crate) lastname: String,
    pub(crate) phone: String,
    /// Street, city, state and zip.
    pub(crate) address: [String; 4],
}

impl Row {
    fn new(random: &mut StdRng, guest: usize) -> Self {
        let text = |random: &mut StdRng, of: &[&str]| (*of.choose(random).unwrap()).to_owned();
        let full = ["Long Street 1", "Brno", "JM", "602 00"].map(str::to_owned);
        let part = ["Long Street 1", "Brno", "", "602 00"].map(str::to_owned);
        let address = match random.random_range(0..10) {
            0..4 => full,
            4..6 => part,
            _ => [const { String::new() }; 4],
        };
        Self {
            guest,
            email: format!("guest{guest}@example.com"),
            firstname: text(random, &["Jana", "Bert", "Hélène", "O'Neil", "李", ""]),
            lastname: text(random, &["Nováková", "Smith", "de la Cruz", ""]),
            phone: text(random, &["+420777123456", "", ""]),
            address,
        }
    }

    /// The address as two spellings are compared; none for a row without a usable one.
    pub(crate) fn key(&self) -> Option<String> {
        self.email.contains('@').then(|| self.email.to_lowercase())
    }

    /// The address's column of the row is filled wholly: only then does the address go (row A4).
    pub(crate) fn address_is_whole(&self) -> bool {
        self.address.iter().all(|part| !part.is_empty())
    }
}

impl Phase {
    /// The rows as a file.
    pub(crate) fn file(&self) -> String {
        let mut file = "id,email,firstname,lastname,phone,street,city,state,zip\n".to_owned();
        for row in &self.rows {
            let Row { guest, email, firstname, lastname, phone, address } = row;
            let address = address.join(",");
            writeln!(file, "G-{guest},{email},{firstname},{lastname},{phone},{address}").unwrap();
        }
        file
    }

    /// Those who have agreed, as a file.
    pub(crate) fn granted_file(&self) -> String {
        let mut file = "id,email\n".to_owned();
        for (guest, row) in self.people() {
            if self.granted.contains(&guest) {
                writeln!(file, "G-{guest},{}", row.email).unwrap();
            }
        }
        file
    }

    /// The first row of each guest that has a usable address.
    pub(crate) fn people(&self) -> BTreeMap<usize, &Row> {
        let mut people = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.key().is_some()) {
            people.entry(row.guest).or_insert(row);
        }
        people
    }
}

impl Script {
    /// The story of a number, with about so many guests.
    pub(crate) fn new(number: u64, guests: usize) -> Self {
        let mut random = StdRng::seed_from_u64(number);
        let (newcomers, newcomer_status) = POLICIES[usize::try_from(number).unwrap() % POLICIES.len()];
        let mut script = Self {
            newcomers,
            newcomer_status,
            members: Vec::new(),
            forgotten: Vec::new(),
            phases: vec![Phase::default(), Phase::default()],
        };
        let mut rows: Vec<Row> = (0..guests).map(|guest| Row::new(&mut random, guest)).collect();
        for row in &mut rows {
            script.meet(&mut random, row);
        }
        let granted: BTreeSet<usize> = (0..guests).filter(|_| random.random_bool(0.55)).collect();
        script.phases[0] = Phase { granted, ..Phase::default() };
        withdraw(&mut random, &mut script.phases[0], &rows);
        script.phases[0].rows = muddle(&mut random, rows.clone());
        script.phases[1] = later(&mut random, &script.phases[0], rows);
        script
    }

    /// Where the provider knows the guest from, if it does.
    fn meet(&mut self, random: &mut StdRng, row: &mut Row) {
        let seed = match random.random_range(0..100) {
            0..8 => json!({"status": "subscribed", "merge_fields": {"FNAME": "Theirs"}, "tags": ["VIP"]}),
            8..12 => json!({"status": "unsubscribed", "origin": "contact"}),
            12..15 => json!({"status": "unsubscribed", "origin": "api", "tags": ["VIP"]}),
            15..18 => json!({"status": "cleaned"}),
            18..20 => json!({"status": "subscribed", "archived": true}),
            20..22 => json!({"status": "unsubscribed", "origin": "contact", "archived": true}),
            22..24 => json!({"status": "pending"}),
            24..26 => json!({"status": "transactional"}),
            26 if self.forgotten.len() < 3 => {
                self.forgotten.push(row.email.clone());
                return;
            }
            27..29 => {
                // The provider takes addresses of this domain for fakes.
                row.email = format!("guest{}@yopmail.com", row.guest);
                return;
            }
            _ => return,
        };
        let mut seed = seed;
        seed["email"] = json!(row.email);
        self.members.push(seed);
    }
}

/// The second phase: people leave, join, move, change their minds.
fn later(random: &mut StdRng, before: &Phase, rows: Vec<Row>) -> Phase {
    let mut phase = Phase { granted: before.granted.clone(), withdrawn: before.withdrawn.clone(), ..Phase::default() };
    let guests = rows.len();
    for mut row in rows {
        match random.random_range(0..100) {
            0..2 => {
                // Who leaves and withdraws at once is to be unsubscribed all the same.
                phase.withdrawn.insert(row.guest);
                phase.withdrawals.push(row.email);
                continue;
            }
            2..6 => continue,
            6..11 => row.email = format!("moved{}@example.com", row.guest),
            11..22 => row.firstname = "Changed".to_owned(),
            22..26 => {
                // An empty cell says nothing of what is known already, so every cell is filled.
                row.phone = format!("+420777000{:03}", row.guest % 1_000);
                row.lastname = "Changed".to_owned();
                row.address = ["Short Lane 2", "Olomouc", "OL", "779 00"].map(str::to_owned);
            }
            26..31 => {
                phase.granted.insert(row.guest);
            }
            31 => phase.acts.push(("unsubscribe", json!({"email": row.email}))),
            32 => phase.acts.push(("bounce", json!({"email": row.email}))),
            _ => {}
        }
        phase.rows.push(row);
    }
    for guest in guests..guests + guests / 12 {
        phase.rows.push(Row::new(random, guest));
        if random.random_bool(0.5) {
            phase.granted.insert(guest);
        }
    }
    let rows = phase.rows.clone();
    withdraw(random, &mut phase, &rows);
    phase.rows = muddle(random, rows);
    phase
}

/// A few people withdraw.
fn withdraw(random: &mut StdRng, phase: &mut Phase, rows: &[Row]) {
    for row in rows.choose_multiple(random, 3) {
        if phase.withdrawn.insert(row.guest) {
            phase.withdrawals.push(row.email.clone());
        }
    }
}

/// The rows as a real file has them: in any order, some twice, some without a usable address.
fn muddle(random: &mut StdRng, rows: Vec<Row>) -> Vec<Row> {
    let mut muddled = Vec::with_capacity(rows.len());
    for row in rows {
        if random.random_bool(0.03) {
            // In front of the row that it doubles or behind it: the first one is the one that goes,
            // so both say the same.
            muddled.push(Row { email: row.email.to_uppercase(), ..row.clone() });
        }
        muddled.push(row);
    }
    muddled.shuffle(random);
    let invalid = muddled.len() / 30;
    for number in 0..invalid {
        let email = if number % 2 == 0 { "" } else { "no address at all" };
        let place = random.random_range(0..muddled.len());
        let row = Row { email: email.to_owned(), ..Row::new(random, 100_000 + number) };
        muddled.insert(place, row);
    }
    muddled
}
