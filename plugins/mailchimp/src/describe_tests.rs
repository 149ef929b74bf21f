use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::json;

use crate::{Mailchimp, check, lists};

#[test]
fn describe_answers_alike_twice_and_names_what_the_host_has_to_know() {
    let description = Mailchimp::describe();
    assert_eq!(description, Mailchimp::describe());
    assert_eq!(description.id, "mailchimp");
    assert_eq!(description.limits.max_batch, 500);
    let part = description.origins[0].part.as_ref().unwrap();
    assert_eq!(part.source, PartSource::CredentialSuffix(("api-key".to_owned(), "-".to_owned())));
    assert_eq!(part.pattern, "[a-z]+[0-9]+");
}

#[test]
fn a4_the_address_goes_only_with_line_city_state_and_zip() {
    let description = Mailchimp::describe();
    let required = description.composite_fields[0].parts.iter().filter(|part| part.required);
    let required: Vec<&str> = required.map(|part| part.name.as_str()).collect();
    assert_eq!(required, ["line1", "city", "state", "zip"]);
}

#[test]
fn a1_check_asks_for_the_key_the_account_and_its_audiences() {
    let script = Script::new()
        .answer(200, &json!({"health_status": "Everything's Chimpy!"}))
        .answer(200, &json!({"account_name": "Hotel", "pricing_plan_type": "monthly", "total_subscribers": 12}))
        .answer(200, &json!({"total_items": 2}));
    let info = check::check(&script.job()).unwrap();
    assert_eq!(info.name, "Hotel");
    assert!(info.facts.contains(&("Audiences".to_owned(), "2".to_owned())));
    assert_eq!(script.lines(), ["GET /3.0/ping", "GET /3.0/", "GET /3.0/lists"]);
}

#[test]
fn mc_01_check_tells_that_the_key_is_wrong() {
    let script =
        Script::new().answer(401, &json!({"title": "API Key Invalid", "detail": "Your API key may be invalid."}));
    let Err(ProviderError::AuthLost(detail)) = check::check(&script.job()) else { panic!() };
    assert!(detail.message.contains("API key"), "{}", detail.message);
}

#[test]
fn a2_audiences_and_fields_are_listed_for_the_mapping() {
    let script = Script::new()
        .answer(200, &json!({"lists": [{"id": "a1b2", "name": "Guests", "stats": {"member_count": 5}}], "total_items": 1}))
        .answer(200, &json!({"merge_fields": [
            {"tag": "ROOM", "name": "Room", "type": "dropdown", "required": true, "options": {"choices": ["Single"]}}]}));
    let audiences = lists::audiences(&script.job()).unwrap();
    assert_eq!(audiences, [Audience::new("a1b2", "Guests").members(Some(5))]);
    let fields = lists::remote_fields(&script.job(), "a1b2").unwrap();
    assert_eq!((fields[0].name.as_str(), fields[0].kind.as_str(), fields[0].required), ("ROOM", "dropdown", true));
    assert_eq!(fields[0].choices, ["Single"]);
}
