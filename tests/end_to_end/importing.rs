//! Row D1 and the import: one address, one contact; the same file twice changes nothing.

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn d1_an_import_updates_by_address_and_the_same_file_twice_changes_nothing() {
    let house = House::bare().await;
    let rows = "email,firstname\njana@example.com,Jana\nbert@example.com,Bert\n,Nameless\njana@example.com,Again\n";
    let first = house.import("Guests", None, rows);
    assert_eq!(
        (&first["counts"]["created"], &first["counts"]["duplicate"], &first["counts"]["invalid"]),
        (&2.into(), &1.into(), &1.into())
    );
    let sequence = || house.postroom(&["contact", "list", "--json"]).done().json();
    let before = sequence();
    for mode in ["replace", "add"] {
        let file = house.file("import.csv", rows);
        let again = house.postroom(&["import", &file, "--list", "Guests", "--mode", mode, "--json"]).done().json();
        assert_eq!(
            (&again["counts"]["unchanged"], &again["counts"]["joined"], &again["counts"]["left"]),
            (&2.into(), &0.into(), &0.into()),
            "{mode}"
        );
        assert_eq!(sequence(), before);
        let entries = house.postroom(&["list", "show", "Guests", "--json"]).done().json();
        assert_eq!(entries["entries"].as_array().map(Vec::len), Some(4), "{mode}");
    }
    let changed = house.import("Guests", None, "email,firstname\nJANA@EXAMPLE.COM,Jane\n");
    assert_eq!((&changed["counts"]["updated"], &changed["counts"]["left"]), (&1.into(), &3.into()));
    let jana = house.postroom(&["contact", "show", "jana@example.com", "--json"]).done().json();
    assert_eq!(jana["contact"]["fields"]["firstname"], "Jane");
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_encodings_and_semicolons_are_recognised_and_shown() {
    let house = House::bare().await;
    // "Žofie" in windows-1250, as a Czech Excel writes it.
    let bytes = [
        b"E-mail;Jm\xe9no;M\xecsto\r\n".as_slice(),
        b"zofie@example.com;\x8eofie;Plze\xf2\r\npetr@example.com;P\xf8emysl;\xdast\xed\r\n",
    ]
    .concat();
    let file = house.file("guests.csv", bytes);
    let imported = house
        .postroom(&["import", &file, "--list", "Guests", "--mode", "add", "--map", "Jméno=firstname", "--json"])
        .done()
        .json();
    assert_eq!(
        (&imported["source"]["encoding"], &imported["source"]["delimiter"]),
        (&"windows-1250".into(), &";".into())
    );
    let zofie = house.postroom(&["contact", "show", "zofie@example.com", "--json"]).done().json();
    assert_eq!(zofie["contact"]["fields"]["firstname"], "Žofie");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_goes_to_the_rejects_file_with_its_line_and_reason() {
    let house = House::bare().await;
    let mut rows: Vec<String> = (0..300).map(|number| format!("guest{number}@example.com,Guest")).collect();
    rows.insert(10, "ragged@example.com,one,two,three".to_owned());
    let file = house.file("guests.csv", format!("email,firstname\n{}\n", rows.join("\n")));
    let imported = house.postroom(&["import", &file, "--list", "Guests", "--mode", "add", "--json"]).done().json();
    assert_eq!((&imported["rejected"], &imported["counts"]["rows"]), (&1.into(), &300.into()));
    let rejects = std::fs::read_to_string(imported["rejects_file"].as_str().unwrap()).unwrap();
    assert!(rejects.contains("12") && rejects.contains("ragged@example.com"), "{rejects}");
}
