//! The demo's files hold what their README says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in what its cases share"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use postroom_domain::contact::{EntryFault, ImportedRow};
use postroom_domain::field::{AddressPart, FieldValue, Fields, standard_fields};
use postroom_import::{Delimiter, Options, Row, examine};

/// What a file of the demo holds.
#[derive(Default)]
struct Guests {
    rows: usize,
    without_address: usize,
    invalid: usize,
    duplicates: usize,
    /// The first row of each address, by its key.
    people: BTreeMap<String, ImportedRow>,
    /// The key of the address of each guest number, where there is one.
    numbers: BTreeMap<String, Option<String>>,
}

fn read(name: &str) -> Guests {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/demo").join(name);
    let options = Options { key: Some("Guest ID".to_owned()), ..Options::default() };
    let examined = examine(&path, &options, &standard_fields()).unwrap();
    assert_eq!((examined.encoding, examined.had_bom), ("UTF-8", true));
    assert_eq!((examined.delimiter, examined.ragged, examined.blank), (Delimiter::Semicolon, 0, 0));
    let mut guests = Guests::default();
    for row in examined.rows().unwrap() {
        let Row::Imported(row) = row.unwrap() else { panic!("a row is rejected") };
        assert!(row.left_out.is_empty(), "{row:?}");
        guests.rows += 1;
        let key = row.address.as_ref().ok().map(|address| address.key().to_owned());
        guests.numbers.insert(row.external_id.clone().unwrap(), key.clone());
        match (&row.address, key) {
            (Err(EntryFault::NoAddress), _) => guests.without_address += 1,
            (Err(EntryFault::BadAddress(_)), _) => guests.invalid += 1,
            (_, Some(key)) if guests.people.contains_key(&key) => guests.duplicates += 1,
            (_, key) => drop(guests.people.insert(key.unwrap_or_default(), row)),
        }
    }
    guests
}

/// How many people have a complete postal address (row A4), a part of one, and none.
fn addresses(guests: &Guests) -> [usize; 3] {
    let mut counts = [0; 3];
    for row in guests.people.values() {
        let mut fields = Fields::new();
        row.patch.apply(&mut fields);
        let needed = [AddressPart::Line1, AddressPart::City, AddressPart::State, AddressPart::Zip];
        let kind = match fields.get(&"address".parse().unwrap()) {
            Some(FieldValue::Address { address }) => {
                usize::from(!needed.iter().all(|part| address.0.contains_key(part)))
            }
            _ => 2,
        };
        counts[kind] += 1;
    }
    counts
}

#[test]
fn the_guests_are_as_many_as_the_readme_says() {
    let guests = read("guests.csv");
    assert_eq!(guests.rows, 1240);
    assert_eq!((guests.without_address, guests.invalid, guests.duplicates), (50, 12, 62));
    assert_eq!(guests.people.len(), 1116);
    assert_eq!(addresses(&guests), [149, 871, 96]);
}

#[test]
fn the_subscribers_are_guests() {
    let (guests, subscribers) = (read("guests.csv"), read("newsletter.csv"));
    assert_eq!((subscribers.rows, subscribers.people.len()), (789, 789));
    assert!(subscribers.people.keys().all(|key| guests.people.contains_key(key)));
}

#[test]
fn a_week_later_some_guests_have_changed() {
    let (before, after) = (read("guests.csv"), read("guests-later.csv"));
    assert_eq!(after.rows, 1257);
    assert_eq!((after.without_address, after.invalid, after.duplicates), (47, 9, 62));
    assert_eq!(after.people.len(), 1139);
    let numbers = |guests: &Guests| guests.numbers.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(numbers(&before).difference(&numbers(&after)).count(), 18);
    assert_eq!(numbers(&after).difference(&numbers(&before)).count(), 35);
    let renamed = before
        .numbers
        .iter()
        .filter(|(number, key)| key.is_some() && after.numbers.get(*number).is_some_and(|later| later != *key));
    assert_eq!(renamed.count(), 15);
    let changed =
        before.people.iter().filter(|(key, row)| after.people.get(*key).is_some_and(|later| later.patch != row.patch));
    assert_eq!(changed.count(), 50);
}
