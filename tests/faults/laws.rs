//! What holds after every run, whatever went wrong in it.

use std::collections::{BTreeMap, BTreeSet};

use postroom_simulators::mailchimp::state::member_hash;
use serde_json::{Value, json};

use crate::house::{Answer, House};
use crate::play::{LIST, audience_path};
use crate::script::{Phase, Row, Script};

/// The run ended in one of the ways that `--help` lists for it, and said what there is to say.
#[track_caller]
pub(crate) fn ended_as_documented(answer: &Answer, phase: &Phase) {
    let Answer { code, stdout, stderr } = answer;
    assert!(!stderr.contains("panicked"), "{stderr}");
    if *code == 8 {
        let error: Value = serde_json::from_str(stderr).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains("did not begin, and nothing was sent: The provider"), "{message}");
        return;
    }
    assert!(matches!(code, 0 | 4 | 9), "exit code {code}\n{stdout}\n{stderr}");
    let report = answer.json();
    let counts = &report["counts"];
    assert_eq!(counts["entries"].as_u64(), Some(phase.rows.len() as u64), "every entry is counted: {report}");
    let code_of_report = match (&report["stopped"], &counts["failed"]) {
        (Value::Null, failed) if failed == 0 => 0,
        (Value::Null, _) => 4,
        (stopped, _) => {
            let sentence = stopped["message"].as_str().unwrap();
            assert!(sentence.starts_with("The provider "), "{sentence}");
            9
        }
    };
    assert_eq!(*code, code_of_report, "{report}");
    if code_of_report != 9 {
        assert_eq!(counts["pending"], 0, "only a run that stopped leaves something: {report}");
    }
}

/// Each count of a report opens to just as many entries, and no entry stands in two of them.
#[track_caller]
pub(crate) fn every_number_opens(house: &House, report: &Value) {
    let mut seen = BTreeSet::new();
    for (name, count) in report["counts"].as_object().unwrap() {
        if name == "entries" || count == 0 {
            continue;
        }
        let run = report["run"].to_string();
        let answer = house.postroom(&["run", "show", &run, "--of", name, "--all", "--json"]).done().json();
        let outcomes = answer["outcomes"].as_array().unwrap();
        assert_eq!(Some(outcomes.len() as u64), count.as_u64(), "`{name}` opens to as many as it counts");
        for outcome in outcomes {
            assert!(seen.insert(outcome["position"].as_u64().unwrap()), "{outcome} is counted twice");
            let has_reason = outcome["reason"]["message"].as_str().is_some_and(|words| !words.is_empty());
            assert!(has_reason || matches!(name.as_str(), "added" | "updated" | "unchanged"), "{outcome}");
        }
    }
    assert_eq!(Some(seen.len() as u64), report["counts"]["entries"].as_u64());
}

/// The laws about what the provider holds and what it was asked.
pub(crate) struct Laws<'a> {
    script: &'a Script,
    /// The phases that have begun.
    phases: &'a [Phase],
    members: &'a [Value],
    /// The first rows of the present list by their addresses.
    rows: BTreeMap<String, &'a Row>,
    /// The guests by the addresses that they have or had.
    guests: BTreeMap<String, usize>,
}

impl<'a> Laws<'a> {
    pub(crate) fn new(script: &'a Script, begun: usize, members: &'a [Value]) -> Self {
        let phases = &script.phases[..begun];
        let people = phases.iter().flat_map(|phase| phase.people());
        let guests = people.filter_map(|(guest, row)| Some((row.key()?, guest))).collect();
        let rows = phases[begun - 1].people().into_values().filter_map(|row| Some((row.key()?, row))).collect();
        Self { script, phases, members, rows, guests }
    }

    fn present(&self) -> &'a Phase {
        &self.phases[self.phases.len() - 1]
    }

    fn has_withdrawn(&self, guest: usize) -> bool {
        self.present().withdrawn.contains(&guest)
    }

    /// The seed of a guest whom the provider knew before, perhaps under an address that it has left.
    fn seed_of(&self, guest: usize) -> Option<&'a Value> {
        let mut seeds = self.script.members.iter();
        seeds.find(|seed| self.guests.get(&seed["email"].as_str().unwrap().to_lowercase()) == Some(&guest))
    }

    /// Every request that could have changed something is one that the list and its consents ask for.
    #[track_caller]
    pub(crate) fn explain(&self, writes: &[Value]) {
        let base = audience_path();
        for write in writes {
            let path = write["path"].as_str().unwrap().strip_prefix(&base).unwrap_or_else(|| panic!("{write}"));
            let method = write["method"].as_str().unwrap();
            let body = &write["body"];
            match (method, path.split('/').collect::<Vec<_>>().as_slice()) {
                ("POST", [""]) => {
                    let only_updates = body["update_existing"] == true;
                    for member in body["members"].as_array().unwrap() {
                        self.explain_member(member, only_updates);
                    }
                }
                ("PATCH", ["", "members", id]) => self.explain_change(self.guest_of(id), body),
                ("POST", ["", "segments"]) => {
                    assert_eq!(body, &json!({"name": LIST, "static_segment": []}));
                }
                ("POST", ["", "segments", _]) => {
                    let addresses = |key: &str| -> Vec<String> {
                        let list = body[key].as_array().into_iter().flatten();
                        list.map(|address| address.as_str().unwrap().to_lowercase()).collect()
                    };
                    for key in addresses("members_to_add") {
                        assert!(self.rows.contains_key(&key), "{key} is tagged and not on the list");
                    }
                    for key in addresses("members_to_remove") {
                        let is_guest = self.guests.contains_key(&key);
                        assert!(is_guest && !self.rows.contains_key(&key), "{key} is untagged and on the list");
                    }
                }
                _ => panic!("nothing asks for {write}"),
            }
        }
    }

    /// A member of a bulk call.
    #[track_caller]
    fn explain_member(&self, member: &Value, only_updates: bool) {
        let key = member["email_address"].as_str().unwrap().to_lowercase();
        let row = self.rows.get(&key).unwrap_or_else(|| panic!("{key} is sent and not on the list"));
        assert!(!self.has_withdrawn(row.guest), "{key} withdrew and is sent");
        has_fields_of(row, &member["merge_fields"]);
        let status =
            if self.present().granted.contains(&row.guest) { Some("subscribed") } else { self.script.newcomer_status };
        match member["status"].as_str() {
            None => assert!(only_updates, "{member}"),
            Some(sent) => assert_eq!((only_updates, Some(sent)), (false, status), "{member}"),
        }
    }

    /// A change of one member.
    #[track_caller]
    fn explain_change(&self, guest: usize, body: &Value) {
        if !body["status"].is_null() {
            assert_eq!(body, &json!({"status": "unsubscribed"}));
            assert!(self.has_withdrawn(guest), "guest {guest} is unsubscribed and did not withdraw");
            return;
        }
        let row = self.present().people().remove(&guest).unwrap_or_else(|| panic!("guest {guest} left: {body}"));
        assert!(!self.has_withdrawn(guest), "guest {guest} withdrew and is sent");
        has_fields_of(row, &body["merge_fields"]);
        if let Some(address) = body["email_address"].as_str() {
            assert_eq!(address, row.email);
        }
    }

    /// Whose member an id of a path means: the hash of an address, or a contact id.
    #[track_caller]
    fn guest_of(&self, id: &str) -> usize {
        let hashed = self.guests.iter().find(|(key, _)| member_hash(key).to_string() == id);
        let named = || {
            let member = self.members.iter().find(|member| member["contact_id"] == id)?;
            self.guests.get(&member["email"].as_str()?.to_lowercase()).copied()
        };
        hashed.map(|(_, guest)| *guest).or_else(named).unwrap_or_else(|| panic!("{id} is nobody's"))
    }

    /// Who gets mail agreed here, or got it before.
    #[track_caller]
    pub(crate) fn nobody_is_subscribed_against_their_will(&self) {
        for member in self.members {
            let key = member["email"].as_str().unwrap().to_lowercase();
            let guest = self.guests.get(&key).unwrap_or_else(|| panic!("{key} is a member and was never sent"));
            let seeded = self.seed_of(*guest);
            let status = member["status"].as_str().unwrap();
            let was = |seed: &Value| seed["archived"] != true && seed["status"] == status;
            let agreed = match status {
                "subscribed" => self.phases.iter().any(|phase| phase.granted.contains(guest)),
                "pending" => self.script.newcomer_status == Some("pending"),
                _ => true,
            };
            let may = match seeded {
                // Whom the provider knew under this address is as it was.
                Some(seed) if seed["email"] == key.as_str() => was(seed) || !matches!(status, "subscribed" | "pending"),
                // Under another one it may have been moved, or be new.
                Some(seed) => was(seed) || agreed,
                None => agreed,
            };
            assert!(may, "{key} is {status} against its will: {member}");
        }
    }

    /// Once all is done: who withdrew gets no mail, who left bears no tag, and nobody is there twice.
    #[track_caller]
    pub(crate) fn nobody_is_left_behind(&self) {
        let mut met = BTreeSet::new();
        for member in self.members {
            let key = member["email"].as_str().unwrap().to_lowercase();
            let guest = self.guests[&key];
            // Whom the provider knew and who left before it was sent is none of ours.
            let is_ours = self.rows.contains_key(&key) || self.seed_of(guest).is_none();
            let gets_mail = member["status"] == "subscribed" || member["status"] == "pending";
            if !is_ours || !gets_mail {
                continue;
            }
            assert!(met.insert(guest), "guest {guest} is there twice: {member}");
            assert!(!self.has_withdrawn(guest), "{key} withdrew, and the provider was not told: {member}");
            let bears_tag = member["tags"].as_array().unwrap().contains(&json!(LIST));
            assert!(!bears_tag || self.rows.contains_key(&key), "{key} left the list and bears its tag: {member}");
        }
    }

    /// Only an opt-out changes the status of a member that is there. A creation that meets one is
    /// refused by the provider, and that is all that may be seen of it.
    #[track_caller]
    pub(crate) fn no_status_was_sent_to_whom_was_there(&self) {
        for member in self.members {
            let key = member["email"].as_str().unwrap().to_lowercase();
            for sent in member["status_sent"].as_array().unwrap() {
                let refused = (&sent["via"], &sent["outcome"]) == (&json!("bulk"), &json!("refused"));
                let opted_out = (&sent["via"], &sent["status"]) == (&json!("patch"), &json!("unsubscribed"));
                let withdrew = self.guests.get(&key).is_some_and(|guest| self.has_withdrawn(*guest));
                assert!(refused || (opted_out && withdrew), "{member}");
            }
        }
    }
}

/// The merge fields say what the row says. An empty field is left out or cleared.
#[track_caller]
fn has_fields_of(row: &Row, fields: &Value) {
    let fields = fields.as_object().unwrap();
    for (tag, wanted) in [("FNAME", &row.firstname), ("LNAME", &row.lastname), ("PHONE", &row.phone)] {
        let sent = fields.get(tag).map_or("", |value| value.as_str().unwrap());
        let field_is_gone = tag == "PHONE" && !fields.contains_key(tag);
        assert!(sent == wanted || field_is_gone, "{tag} of {}: {sent:?} instead of {wanted:?}", row.email);
    }
    let sent = fields.get("ADDRESS").and_then(|address| address["addr1"].as_str()).unwrap_or_default();
    let wanted = if row.address_is_whole() { row.address[0].as_str() } else { "" };
    assert_eq!(sent, wanted, "the address of {}", row.email);
    let known = ["FNAME", "LNAME", "PHONE", "ADDRESS"];
    assert!(fields.keys().all(|tag| known.contains(&tag.as_str())), "{fields:?}");
}
