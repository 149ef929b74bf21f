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
    assert!(page.contains("1 grant was recorded") && page.contains("2 contacts got no grant"), "{page}");
    let state = |address: &str| {
        let shown = house.postroom(&["contact", "show", address, "--json"]).done().json();
        shown["contact"]["consent"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["jana@example.com", "bozena@example.com", "nela@example.com"].map(state),
        ["granted", "unknown", "unknown"]
    );

    // One that nobody knows by its name alone is asked about, and not passed over.
    let file =
        house.file("unheard.csv", "email,Newsletter ok,VIP\nkarel@example.com,ano,yes\nlucie@example.com,ne,no\n");
    let stated = ["import", &file, "--consent", "granted", "--evidence", "a box on the form"];
    house.postroom(&stated).refused(3, &["`Newsletter ok` (perhaps consent.status)", "--map COLUMN=PLACE"]);
    house.postroom(&["import", &file, "--dry-run", "--consent", "granted", "--evidence", "x"]).done();
    let heard = [stated.as_slice(), &["--map", "Newsletter ok=consent.status"]].concat();
    let page = house.postroom(&[heard.as_slice(), &["--dry-run"]].concat()).done().stdout;
    assert!(page.contains("1 contact would get no grant") && !page.contains("`VIP` holds"), "{page}");
    house.postroom(&heard).done();
    assert_eq!(["karel@example.com", "lucie@example.com"].map(state), ["granted", "unknown"]);

    let file = house.file("silent.csv", "email;name\nsomebody@example.com;Some Body\n");
    house.postroom(&["import", &file, "--consent", "from-file"]).refused(3, &["nothing to believe", "consent.status"]);
    let asked = house.postroom(&["import", &file, "--map", "name=consent"]);
    asked.refused(3, &["there is no field `consent`", "consent.status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_rows_empties_a_list_only_when_that_is_meant() {
    let house = House::bare().await;
    house.import("Guests", None, "email\njana@example.com\nbert@example.com\n");
    let file = house.file("failed.csv", "email\n");
    let replacing = ["import", &file, "--list", "Guests", "--mode", "replace"];
    house.postroom(&replacing).refused(3, &["take all 2 entries off", "--allow-empty"]);
    let entries = || {
        let shown = house.postroom(&["list", "show", "Guests", "--json"]).done().json();
        shown["entries"].as_array().unwrap().len()
    };
    assert_eq!(entries(), 2);
    let page = house.postroom(&[replacing.as_slice(), &["--dry-run"]].concat()).done().stdout;
    assert!(page.contains("--allow-empty"), "{page}");
    house.postroom(&[replacing.as_slice(), &["--allow-empty"]].concat()).done();
    assert_eq!(entries(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_the_row_of_an_erased_person_is_named_by_its_line_and_kept_nowhere() {
    let house = House::bare().await;
    house.import("Guests", None, "email\ngone@example.com\nbert@example.com\n");
    house.postroom(&["contact", "erase", "gone@example.com", "--yes"]).done();
    let file = house.file(
        "guests.csv",
        "email,number,phone\nbert@example.com,7,\ngone@example.com,8,call gone@example.com\nbert@example.org,7,\n\
         gone@example.com,9,,one,too,many\ngone@example.com,7,\n",
    );
    let preview = house.postroom(&["import", &file, "--key", "number", "--dry-run", "--json"]).done().json();
    let kept = format!("{}{}", preview["rejects"], preview["left_out_cells"]);
    assert!(kept.contains("bert@example.org") && !kept.contains("gone@"), "{kept}");
    let imported = house.postroom(&["import", &file, "--key", "number", "--list", "Guests"]).done().stdout;
    assert!(
        imported.contains("3 rejected rows are of people who were erased") && imported.contains("lines 3, 5, 6"),
        "{imported}"
    );
    let rejects = std::path::PathBuf::from(format!("{file}.rejects.csv"));
    let text = std::fs::read_to_string(&rejects).unwrap();
    assert!(text.contains("bert@example.org") && !text.contains("gone@example.com"), "{text}");
    assert!(!std::fs::exists(format!("{file}.left-out.csv")).unwrap());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&rejects).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_every_cell_that_does_not_fit_is_named_in_a_file_and_phones_of_a_country_fit() {
    let house = House::bare().await;
    let file = house.file(
        "guests.csv",
        "email,firstname,phone,birthday\njana@example.com,Jana,5555 4321,31.2.1980\nbert@example.com,Bert,+372 555 12345,\n",
    );
    let imported = house.postroom(&["import", &file, "--list", "Guests", "--json"]).done().json();
    assert_eq!((&imported["left_out"], &imported["rejected"]), (&2.into(), &0.into()), "{imported}");
    let left_out = format!("{file}.left-out.csv");
    assert_eq!(imported["left_out_file"].as_str(), Some(left_out.as_str()));
    let text = std::fs::read_to_string(&left_out).unwrap();
    let named = |field: &str| {
        text.lines().any(|line| line.starts_with("2,") && line.ends_with(&format!(",jana@example.com,{field}")))
    };
    assert!(named("phone") && named("birthday") && !text.contains("bert"), "{text}");
    let imported =
        house.postroom(&["import", &file, "--phones-of", "EE", "--save-profile", "hotel", "--json"]).done().json();
    assert_eq!((&imported["left_out"], &imported["counts"]["updated"]), (&1.into(), &1.into()), "{imported}");
    let jana = house.postroom(&["contact", "show", "jana@example.com", "--json"]).done().json();
    assert_eq!(jana["contact"]["fields"]["phone"], "+37255554321", "{jana}");
    let profile = house.postroom(&["import-profile", "show", "hotel"]).done().stdout;
    assert!(profile.contains("phones of") && profile.contains("EE"), "{profile}");

    // The cells are not what an import hangs on.
    let elsewhere = house.path("no/such/folder/left-out.csv");
    let said = house.postroom(&["import", &file, "--left-out", elsewhere.to_str().unwrap()]).done().stdout;
    assert!(said.contains("kept in no file"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_that_are_mended_badly_can_be_mended_again() {
    let house = House::bare().await;
    let rows: String = (0..300).map(|number| format!("guest{number}@example.com,x\n")).collect();
    let file = house.file("guests.csv", format!("email,firstname\n{rows}bad@example.com,one,two\nworse@example.com\n"));
    let rejects = |answer: serde_json::Value| answer["rejects_file"].as_str().unwrap().to_owned();
    let first = rejects(house.postroom(&["import", &file, "--json"]).done().json());
    let mended = std::fs::read_to_string(&first).unwrap().replace("bad@example.com,one,two", "bad@example.com,one");
    std::fs::write(&first, mended.replace("worse@example.com,", "worse@example.com,a,b,c")).unwrap();
    let second = rejects(house.postroom(&["import", &first, "--json"]).done().json());
    let text = std::fs::read_to_string(&second).unwrap();
    let header = text.lines().next().unwrap().trim_start_matches('\u{feff}');
    assert_eq!(header, "line,reason,email,firstname");
    assert!(text.contains("worse@example.com,a,b,c") && !text.contains("bad@"), "{text}");
    std::fs::write(&second, text.replace(",a,b,c", ",a")).unwrap();
    let last = house.postroom(&["import", &second, "--json"]).done().json();
    assert_eq!((&last["counts"]["created"], &last["rejected"]), (&1.into(), &0.into()), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cells_of_consent_do_not_plainly_say_is_told_and_no_field_hides_them() {
    let house = House::bare().await;
    let file = house.file(
        "guests.csv",
        "email,Souhlas\njana@example.com,ano\neva@example.com,Odhlášena\nmia@example.com,nevím\nbert@example.com,ne\n",
    );
    let page = house.postroom(&["import", &file]).done().stdout;
    assert!(
        page.contains("1 contact's row says that they agreed, and no grant") && page.contains("from-file"),
        "{page}"
    );
    let page = house.postroom(&["import", &file, "--consent", "from-file"]).done().stdout;
    for expected in ["consent.status: it is not understood what `nevím` says", "1 cell was left out"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let state = |address: &str| {
        let shown = house.postroom(&["contact", "show", address, "--json"]).done().json();
        shown["contact"]["consent"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["jana@example.com", "eva@example.com", "mia@example.com", "bert@example.com"].map(state),
        ["granted", "withdrawn", "unknown", "unknown"]
    );
    let file = house.file("later.csv", "email,Souhlas\njana@example.com,ne\n");
    let page = house.postroom(&["import", &file, "--consent", "from-file"]).done().stdout;
    assert!(page.contains("1 contact was granted and stays so"), "{page}");

    // A field that is called like a consent says nothing of who agreed.
    house.postroom(&["field", "add", "newsletter", "--type", "boolean"]).done();
    let file = house.file("boxes.csv", "email,Newsletter\nida@example.com,ne\n");
    let stated = ["import", &file, "--consent", "granted", "--evidence", "a box"];
    house.postroom(&stated).refused(3, &["`Newsletter` (which goes to the field newsletter)", "consent.status"]);
    let page = house.postroom(&[stated.as_slice(), &["--map", "Newsletter=consent.status"]].concat()).done().stdout;
    assert!(page.contains("1 contact got no grant"), "{page}");
    // Nor does a profile that was kept without a word about it.
    house.postroom(&["import", &file, "--dry-run", "--save-profile", "crm"]).done();
    house.postroom(&[stated.as_slice(), &["--profile", "crm"]].concat()).refused(3, &["`Newsletter`"]);
    house.postroom(&[stated.as_slice(), &["--map", "Newsletter=newsletter"]].concat()).done();
    assert_eq!(state("ida@example.com"), "granted", "it was said to be a field");
    // What Postroom wrote says itself which column is which.
    let export = house.path("all.csv").to_str().unwrap().to_owned();
    house.postroom(&["export", &export]).done();
    house.postroom(&["import", &export, "--consent", "from-file"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_left_out_are_named_and_never_take_the_place_of_a_list() {
    let house = House::bare().await;
    house.import("Guests", None, "email\njana@example.com\nbert@example.com\n");
    // Without a list nobody would keep them.
    let file = house.file("june.csv", "email,firstname\nnobody,Ann\nmia@example.com,Mia\n");
    let page = house.postroom(&["import", &file, "--dry-run"]).done().stdout;
    assert!(page.contains("`nobody` is not a valid e-mail address"), "{page}");
    let page = house.postroom(&["import", &file]).done().stdout;
    assert!(page.contains("june.csv.rejects.csv"), "{page}");
    let rejects = format!("{file}.rejects.csv");
    assert!(std::fs::read_to_string(&rejects).unwrap().contains("2,`nobody` is not a valid e-mail address,nobody,Ann"));

    let mended = ["import", &rejects, "--list", "Guests", "--mode"];
    house
        .postroom(&[&mended[..], &["replace"]].concat())
        .refused(3, &["rows that an import had left out", "--mode add"]);
    house.postroom(&[&mended[..], &["add"]].concat()).done();
    let shown = house.postroom(&["list", "show", "Guests", "--json"]).done().json();
    assert_eq!(shown["entries"].as_array().unwrap().len(), 3);

    let file = house.file("june.csv", "email,firstname\nann@example.com,Ann\n");
    let page = house.postroom(&["import", &file]).done().stdout;
    assert!(page.contains("june.csv.rejects.csv is of an earlier import"), "{page}");
    house.postroom(&["import", house.path("").to_str().unwrap()]).refused(3, &["is a folder"]);

    house.postroom(&["contact", "edit", "mia@example.com", "--external-id", " "]).refused(3, &["can't be empty"]);
}
