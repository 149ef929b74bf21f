//! Exports of other systems, mapped by themselves, and what they say about consent.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in what its cases share")]

mod common;

use common::{File, changes, imported};
use postroom_domain::claim::ClaimedAct;
use postroom_domain::field::{FieldName, standard_fields};
use postroom_import::{
    Confidence, ConsentRole, DateOrder, EmptyCells, ImportProfile, Options, ProfileColumn, Target, ToldBy,
};

const AUDIENCE: &str = "\"Email Address\",\"First Name\",\"Last Name\",Address,\"Phone Number\",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,\
    CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION";

fn targets(file: &File, options: &Options) -> Vec<String> {
    let examined = file.examine(options).unwrap();
    let targets = examined
        .columns
        .iter()
        .filter_map(|column| column.target.as_ref().map(|target| format!("{}={target}", column.name)));
    targets.collect()
}

#[test]
fn an_audience_export_is_mapped_and_its_times_are_evidence() {
    let file = File::named(
        "subscribed_members_export_0a1b.csv",
        format!(
            "{AUDIENCE},LAST_CHANGED,LEID,EUID,NOTES,TAGS\n\
             jana@example.com,Jana,Kask,\"12 Long Street  Tartu  Tartumaa  51007  EE\",\"+372 5555 0101\",4,\
             \"2025-05-01 10:00:00\",192.0.2.7,\"2025-05-01 10:05:00\",192.0.2.8,58.3,26.7,2,3,Europe/Tallinn,EE,79,\
             \"2025-06-01 08:00:00\",101,0a1b2c,,\"\"\"Spring 2025\"\",\"\"Tartu, EE\"\"\"\n\
             petr@example.com,Petr,,somewhere,,2,,,,,,,,,,,,\"2025-06-01 08:00:00\",102,0a1b2d,,\n"
        ),
    );
    assert_eq!(file.examine(&Options::default()).unwrap().known.unwrap().id, "mailchimp-audience");
    assert_eq!(
        targets(&file, &Options::default()),
        [
            "Email Address=email",
            "First Name=firstname",
            "Last Name=lastname",
            "Address=address.*",
            "Phone Number=phone",
            "OPTIN_TIME=consent.opted-in-at",
            "OPTIN_IP=consent.opted-in-ip",
            "CONFIRM_TIME=consent.confirmed-at",
            "CONFIRM_IP=consent.confirmed-ip",
            "TAGS=contact-tags",
        ]
    );
    let rows = imported(&file, &Options::default());
    assert_eq!(
        changes(&rows[0]),
        [
            "firstname=Jana",
            "lastname=Kask",
            "address.line1=12 Long Street",
            // It is the whole address: a second line from before does not stay.
            "address.line2 cleared",
            "address.city=Tartu",
            "address.state=Tartumaa",
            "address.zip=51007",
            "address.country=EE",
            "phone=+37255550101",
        ]
    );
    assert_eq!(rows[0].tags, ["Spring 2025", "Tartu, EE"]);
    let claim = rows[0].claim.clone().unwrap();
    assert_eq!((claim.act, claim.ip.as_deref()), (ClaimedAct::Granted, Some("192.0.2.8")));
    assert_eq!(claim.at.unwrap().to_string(), "2025-05-01T10:05:00Z");
    assert!(claim.evidence.starts_with("OPTIN_TIME 2025-05-01 10:00:00; OPTIN_IP 192.0.2.7;"), "{}", claim.evidence);
    assert!(claim.evidence.ends_with("(subscribed_members_export_0a1b.csv:2)"), "{}", claim.evidence);
    // Nothing is said where nothing stands, and an address that is none is left out with its reason.
    assert_eq!((rows[1].claim.clone(), rows[1].tags.len()), (None, 0));
    assert!(rows[1].left_out[0].1.contains("two spaces between them"), "{:?}", rows[1].left_out);
}

#[test]
fn d3_the_files_of_those_who_left_and_of_dead_addresses_are_claims_of_that() {
    let row = "jana@example.com,Jana,,,,2,\"2025-05-01 10:00:00\",,\"2025-05-01 10:00:00\",,,,,,,,";
    let left = File::new(format!(
        "{AUDIENCE},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS\n\
         {row},\"2025-07-01 09:00:00\",June,1,\"NORMAL\",,1,a,,\n{row},,,,,,1,a,,\n"
    ));
    let claims: Vec<_> = imported(&left, &Options::default()).into_iter().map(|row| row.claim.unwrap()).collect();
    assert_eq!(claims.iter().map(|claim| claim.act).collect::<Vec<_>>(), [ClaimedAct::Withdrawn; 2]);
    assert_eq!(claims[0].at.unwrap().to_string(), "2025-07-01T09:00:00Z");
    assert_eq!(claims[1].at, None);
    let dead = File::new(format!(
        "{AUDIENCE},CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS\n{row},,,,1,a,,\n"
    ));
    assert_eq!(imported(&dead, &Options::default())[0].claim.clone().unwrap().act, ClaimedAct::Bounced);
    let never = File::named(
        "nonsubscribed_members_export_0a.csv.gz",
        format!("{AUDIENCE},LAST_CHANGED,LEID,EUID,NOTES,TAGS\n{row},,1,a,,\n"),
    );
    assert_eq!(imported(&never, &Options::default())[0].claim.clone().unwrap().act, ClaimedAct::NotGranted);
}

#[test]
fn a_contact_export_with_flags_is_mapped() {
    let file = File::new(
        "id;emailaddress;name;surname;titlesbefore;street;town;postalcode;country;cellphone;phone;birthday;blacklisted;hardbounced\n\
         1;jana@example.com;Jana;Nová;Ing.;Dlouhá 5;Plzeň;301 00;CZ;+420600100200;;1980-02-29 00:00:00;0;0\n\
         2;petr@example.com;Petr;;;;;;;;;;1;0\n\
         3;eva@example.com;Eva;;;;;;;;;;0;2\n",
    );
    let rows = imported(&file, &Options::default());
    assert_eq!(
        changes(&rows[0]),
        [
            "firstname=Jana",
            "lastname=Nová",
            "address.line1=Dlouhá 5",
            "address.city=Plzeň",
            "address.zip=301 00",
            "address.country=CZ",
            "phone=+420600100200",
            "birthday=1980-02-29",
        ]
    );
    let acts: Vec<_> = rows.into_iter().map(|row| row.claim.map(|claim| claim.act)).collect();
    assert_eq!(acts, [None, Some(ClaimedAct::Withdrawn), Some(ClaimedAct::Bounced)]);
}

#[test]
fn the_operators_rules_win_over_what_is_known_of_a_file() {
    let file = File::new("emailaddress,name,blacklisted,nameday,state\na@example.com,Jana,1,x,granted\n");
    let rule = |column: &str, place: &str| (column.to_owned(), place.to_owned());
    let options = Options {
        map: vec![rule("name", "lastname"), rule("blacklisted", "-"), rule("state", "consent.status")],
        ..Options::default()
    };
    assert_eq!(targets(&file, &options), ["emailaddress=email", "name=lastname", "state=consent.status"]);
    assert_eq!(imported(&file, &options)[0].claim.clone().unwrap().act, ClaimedAct::Granted);
    let wrong = Options { map: vec![rule("state", "consent.given")], ..Options::default() };
    let fault = file.examine(&wrong).unwrap_err().to_string();
    assert!(fault.contains("`given` tells nothing about consent: use one of status, opted-in-at"), "{fault}");
    let whole = Options { map: vec![rule("name", "firstname.*")], ..Options::default() };
    assert!(file.examine(&whole).is_err());
}

#[test]
fn a_profile_reads_the_next_file_as_the_operator_said_once() {
    let file = File::new(
        "Zákazník;Kontakt;Jméno a příjmení;Ort;Narozen;Souhlas;x\n7;a@example.com;Jana Nová;Plzeň;04/05/1980;subscribed;y\n",
    );
    let rule = |column: &str, place: &str| (column.to_owned(), place.to_owned());
    let options = Options {
        key: Some("Zákazník".to_owned()),
        map: vec![rule("Jméno a příjmení", "lastname"), rule("Souhlas", "consent.status")],
        date_order: Some(DateOrder::MonthFirst),
        clear_empty: true,
        ..Options::default()
    };
    let examined = file.examine(&options).unwrap();
    let profile = ImportProfile::of("hotel", &examined, &options);
    assert_eq!((profile.empty_cells, profile.key.as_deref()), (EmptyCells::Clear, Some("Zákazník")));
    assert_eq!(profile.consent[&ConsentRole::Status], "Souhlas");
    let kept = serde_json::to_string(&profile).unwrap();
    let profile: ImportProfile = serde_json::from_str(&kept).unwrap();

    // Another order, other letters, one column more, and one that went nowhere gone.
    let next = File::new(
        "souhlas,jméno a příjmení,kontakt,ort,zákazník,narozen,new\nunsubscribed,Petr Novák,b@example.com,Brno,8,12/31/1990,\n",
    );
    let header = postroom_import::column_names(&next.path, &Options::default()).unwrap();
    assert!(profile.matches(&header), "{:?}", profile.missing(&header));
    let by_profile = Options { profile: Some(profile.clone()), ..Options::default() };
    let row = &imported(&next, &by_profile)[0];
    assert_eq!(changes(row), ["lastname=Petr Novák", "address.city=Brno", "birthday=1990-12-31"]);
    assert_eq!((row.external_id.as_deref(), row.claim.clone().unwrap().act), (Some("8"), ClaimedAct::Withdrawn));
    let told: Vec<ToldBy> = next.examine(&by_profile).unwrap().columns.iter().map(|column| column.told_by).collect();
    assert_eq!(told[..6], [ToldBy::Profile; 6]);
    assert_eq!(told[6], ToldBy::Nobody);
    // How it was read by a profile is the profile.
    let again = ImportProfile::of("hotel", &next.examine(&by_profile).unwrap(), &by_profile);
    assert_eq!((again.date_order, again.empty_cells), (profile.date_order, profile.empty_cells));
    assert!(serde_json::from_str::<ImportProfile>("{\"nmae\":\"x\"}").is_err());
}

fn hotel() -> ImportProfile {
    let column = |column: &str, place: &str| ProfileColumn { column: column.to_owned(), place: place.to_owned() };
    ImportProfile {
        name: "hotel".to_owned(),
        key: Some("No".to_owned()),
        email: Some("Contact".to_owned()),
        columns: vec![column("Surname", "lastname"), column("Stays", "-")],
        ..ImportProfile::default()
    }
}

#[test]
fn a_column_that_a_profile_reads_must_be_there_or_be_named_anew() {
    let file = File::new("Contact,Family,Number\na@example.com,Nová,7\n");
    let by_profile = Options { profile: Some(hotel()), ..Options::default() };
    let fault = file.examine(&by_profile).unwrap_err().to_string();
    for words in ["hotel", "`No` (external-id), `Surname` (lastname)", "--map \"COLUMN=external-id\""] {
        assert!(fault.contains(words), "{fault}");
    }
    let named = Options {
        key: Some("Number".to_owned()),
        map: vec![("Family".to_owned(), "lastname".to_owned())],
        ..by_profile
    };
    assert_eq!(targets(&file, &named), ["Contact=email", "Family=lastname", "Number=external-id"]);
}

#[test]
fn what_is_said_beside_a_profile_wins_over_it() {
    let file = File::new("No,Contact,Surname,Stays\n7,a@example.com,Nová,3\n");
    let options = Options {
        profile: Some(ImportProfile { date_order: Some(DateOrder::MonthFirst), ..hotel() }),
        map: vec![("Surname".to_owned(), "firstname".to_owned())],
        date_order: Some(DateOrder::DayFirst),
        ..Options::default()
    };
    assert_eq!(targets(&file, &options), ["No=external-id", "Contact=email", "Surname=firstname"]);
    assert_eq!(options.settled().date_order, Some(DateOrder::DayFirst));
}

#[test]
fn a_profile_that_names_a_field_that_is_not_there_says_so() {
    let column = ProfileColumn { column: "Stays".to_owned(), place: "nights".to_owned() };
    let profile = ImportProfile { columns: vec![column], ..hotel() };
    let faults = profile.faults(&standard_fields());
    assert_eq!(faults.len(), 1);
    let file = File::new("No,Contact,Surname,Stays\n7,a@example.com,Nová,3\n");
    let options = Options { profile: Some(profile), ..Options::default() };
    let fault = file.examine(&options).unwrap_err().to_string();
    assert_eq!(fault, faults[0]);
    for words in ["hotel", "`Stays`", "there is no field `nights`", "--map \"Stays=-\""] {
        assert!(fault.contains(words), "{fault}");
    }
    let left_out = Options { map: vec![("Stays".to_owned(), "-".to_owned())], ..options };
    assert!(file.examine(&left_out).is_ok());
}

#[test]
fn a_field_is_offered_for_a_column_that_goes_nowhere() {
    let file = File::new(
        "email,Nights,Room,Arrival,Newsletter,Notes,Zákazník,Locker,Web\n\
         a@example.com,3,12.5,12/31/2026,yes,late,A,0012,https://example.com\n\
         b@example.com,2,7,1/5/2026,no,,B,0013,https://example.org\n",
    );
    let offered: Vec<String> = file
        .examine(&Options::default())
        .unwrap()
        .suggestions
        .iter()
        .filter_map(|told| {
            let field = told.new_field.as_ref()?;
            Some(format!("{} {}", field.name.as_ref().map_or("NAME", FieldName::as_str), field.kind))
        })
        .collect();
    assert_eq!(
        offered,
        ["nights number", "room decimal", "arrival date", "notes text", "NAME text", "locker text", "web url"]
    );
}

#[test]
fn d3_a_column_that_seems_to_tell_about_consent_comes_with_the_rule_that_hears_it() {
    let rules = |header: &str, row: &str| -> Vec<String> {
        let examined = File::new(format!("{header}\n{row}\n")).examine(&Options::default()).unwrap();
        examined.suggestions.into_iter().filter_map(|told| told.rule).collect()
    };
    assert_eq!(
        rules(
            "email,Newsletter (ja/nein),Opt-out,Abgemeldet am,Zustimmung am",
            "a@example.com,ja,x,2026-01-02,2026-01-01"
        ),
        [
            "Newsletter (ja/nein)=consent.status",
            "Opt-out=consent.withdrawn",
            "Abgemeldet am=consent.withdrawn-at",
            "Zustimmung am=consent.opted-in-at"
        ]
    );
    assert!(rules("email,Souhlas,Newsletter", "a@example.com,ano,x").is_empty(), "the place is taken");
    let speaks = |header: &str, row: &str| -> Vec<bool> {
        let examined = File::new(format!("{header}\n{row}\n")).examine(&Options::default()).unwrap();
        examined.suggestions.iter().map(|told| told.speaks_of_consent).collect()
    };
    assert_eq!(speaks("email,Souhlas,Newsletter", "a@example.com,ano,x"), [false, false, true], "it goes unheard");
    assert_eq!(
        speaks("email,Agreement number,Newsletter language,Subscription plan", "a@example.com,812,cs,gold"),
        [false; 4],
        "names alone say little"
    );
}

#[test]
fn an_unmapped_column_that_looks_like_a_place_comes_with_the_rule_to_type() {
    let examined = File::new("email,lastnames,Notes\na@example.com,Nová,x\n").examine(&Options::default()).unwrap();
    let told = &examined.suggestions[1];
    assert_eq!((told.told_by, told.rule.as_deref()), (ToldBy::Nobody, Some("lastnames=lastname")));
    assert_eq!((told.samples.as_slice(), &told.new_field), (["Nová".to_owned()].as_slice(), &None));
    let left_out = Options { map: vec![("Notes".to_owned(), "-".to_owned())], ..Options::default() };
    let told = &File::new("email,Notes\na@example.com,x\n").examine(&left_out).unwrap().suggestions[1];
    assert_eq!((told.told_by, &told.place, &told.new_field), (ToldBy::Operator, &None, &None));
}

#[test]
fn dates_that_could_be_either_are_counted_in_the_columns_that_have_dates() {
    let file = File::new(
        "email,birthday,Joined,Notes\na@example.com,04/05/1980,12/31/2020 10:00,01/02/2020\n\
         b@example.com,1980-05-04,01/02/2020,\nc@example.com,5/5/1980,,\n",
    );
    let options = Options { map: vec![("Joined".to_owned(), "consent.opted-in-at".to_owned())], ..Options::default() };
    let mut rows = file.examine(&options).unwrap().rows().unwrap();
    assert_eq!(rows.by_ref().count(), 3);
    let seen: Vec<_> = rows
        .dates()
        .iter()
        .map(|seen| (seen.column.as_str(), seen.ambiguous, seen.day_first_only, seen.month_first_only))
        .collect();
    assert_eq!(seen, [("birthday", 1, 0, 0), ("Joined", 1, 0, 1)]);
}

#[test]
fn every_column_of_an_unknown_file_has_a_suggestion_with_its_reason() {
    let file = File::new(
        "Kontakt,Vorname,Sprachen,Ankunft,Nights,Zweitadresse,Leer\n\
         a@example.com,Jana,cs,22.11.2026,3,x@example.com,\nb@example.com,Petr,de,23.11.2026,2,y@example.com,\n",
    );
    let examined = file.examine(&Options::default()).unwrap();
    let told: Vec<(String, Confidence, &str)> = examined
        .suggestions
        .iter()
        .map(|told| {
            (told.place.as_ref().map_or("-".to_owned(), Target::to_string), told.confidence, told.reason.as_str())
        })
        .collect();
    assert_eq!(told[0], ("email".to_owned(), Confidence::Likely, "2 of the first 2 filled cells are e-mail addresses"));
    assert_eq!(told[1], ("firstname".to_owned(), Confidence::Certain, "the name is known"));
    assert_eq!(told[3].1, Confidence::None);
    assert!(told[3].2.contains("are of the type date"), "{}", told[3].2);
    assert!(told[4].2.contains("are of the type number"), "{}", told[4].2);
    assert!(told[5].2.contains("another column is the address"), "{}", told[5].2);
    assert_eq!(told[6].1, Confidence::None);
    // What only resembles is offered, and not taken.
    let alike = File::new("email,lastnames\na@example.com,Nová\n").examine(&Options::default()).unwrap();
    assert_eq!(alike.columns[1].target, None);
    let told = &alike.suggestions[1];
    assert_eq!(
        (told.place.as_ref().unwrap().to_string(), told.confidence),
        ("lastname".to_owned(), Confidence::Possible)
    );
    assert_eq!(told.reason, "its name resembles `lastname`");
}
