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

#[tokio::test(flavor = "multi_thread")]
async fn d6_json_lines_and_a_known_export_say_what_they_are_and_bring_tags_and_withdrawals() {
    let house = House::bare().await;
    let file =
        house.file("guests.jsonl", "{\"email\":\"jana@example.com\",\"address\":{\"city\":\"Tartu\"},\"points\":7}\n");
    let page = house.postroom(&["import", &file, "--list", "Guests"]).done().stdout;
    assert!(page.contains("a JSON object on each line") && page.contains("address.city"), "{page}");

    let header = "Email Address,First Name,Last Name,Address,Phone Number,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,\
                  CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,\
                  UNSUB_CAMPAIGN_ID,UNSUB_REASON,LEID,EUID,NOTES,TAGS";
    let row = "bert@example.com,Bert,,,,2,2020-01-01 10:00:00,,2020-01-01 10:00:00,,,,,,,,,2024-05-04 10:12:00,News,1,,1,a,,\"vip\"";
    let file = house.file("unsubscribed_members_export_1.csv", format!("{header}\n{row}\n"));
    let imported = house.postroom(&["import", &file, "--consent", "from-file", "--json"]).done().json();
    assert_eq!(imported["source"]["known"]["id"], "mailchimp-audience", "{imported}");
    let bert = house.postroom(&["contact", "show", "bert@example.com", "--json"]).done().json();
    assert_eq!(
        (&bert["contact"]["consent"], &bert["contact"]["tags"][0]),
        (&"withdrawn".into(), &"vip".into()),
        "{bert}"
    );
    let again = house.postroom(&["import", &file, "--consent", "from-file", "--json"]).done().json();
    assert_eq!((&again["counts"]["opt_outs_recorded"], &again["counts"]["tagged"]), (&0.into(), &0.into()), "{again}");
    let history = house.postroom(&["consent", "history", "bert@example.com", "--json"]).done().json();
    assert_eq!(history.as_array().unwrap().len(), 1, "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_column_that_says_who_agreed_is_heard_in_every_language_and_beats_what_is_stated_for_all() {
    let house = House::bare().await;
    let guests =
        "E-mail;Jméno;Souhlas\njana@example.com;Jana;ano\nbozena@example.com;Božena;ne\nnela@example.com;Nela;\n";
    let file = house.file("guests.csv", guests);
    let stated = ["import", &file, "--consent", "granted", "--evidence", "a box on the form"];
    let page = house.postroom(&stated).done().stdout;
    assert!(page.contains("2 grants were recorded") && page.contains("1 contact got no grant"), "{page}");
    let state = |address: &str| {
        let shown = house.postroom(&["contact", "show", address, "--json"]).done().json();
        shown["contact"]["consent"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["jana@example.com", "bozena@example.com", "nela@example.com"].map(state),
        ["granted", "unknown", "granted"]
    );

    let file = house.file("silent.csv", "email;name\nsomebody@example.com;Some Body\n");
    house.postroom(&["import", &file, "--consent", "from-file"]).refused(3, &["nothing to believe", "consent.status"]);
    let asked = house.postroom(&["import", &file, "--map", "name=consent"]);
    asked.refused(3, &["there is no field `consent`", "consent.status"]);
}
