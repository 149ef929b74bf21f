//! A story, played in a house.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::house::{AUDIENCE, Answer, House};
use crate::laws;
use crate::script::{Phase, Script};

/// The list, its sync and its tag.
pub(crate) const LIST: &str = "Guests";
/// How many runs a sync may need, once all is well, until it has nothing more to ask or to say: one
/// that does the work, one for what that left to be found out, one that finds nothing to do; and one
/// more for what was found out too late.
const RUNS_TO_SETTLE: usize = 4;

/// What the provider holds and what the report says, once nothing is left to do.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// The members by their addresses, without what time and chance decide.
    pub(crate) members: BTreeMap<String, Value>,
    /// The counts of the report.
    pub(crate) counts: Value,
    /// Its tags.
    pub(crate) tags: Value,
    /// How many requests the first run to this end made.
    pub(crate) requests: u64,
}

/// A house in which a story is played.
pub(crate) struct Play<'a> {
    pub(crate) house: House,
    script: &'a Script,
    /// The phases that have begun.
    begun: usize,
    /// The book's last number that was looked at.
    read_up_to: u64,
}

impl<'a> Play<'a> {
    /// A house with the account, and with whom the provider knows already.
    pub(crate) async fn open(script: &'a Script) -> Self {
        let house = House::open().await;
        for email in &script.forgotten {
            house.forget(email).await;
        }
        house.seed(json!(script.members)).await;
        Self { house, script, begun: 0, read_up_to: 0 }
    }

    fn phase(&self) -> &'a Phase {
        &self.script.phases[self.begun - 1]
    }

    /// Lets the next phase begin: what people do at the provider, the imports, the withdrawals.
    pub(crate) async fn begin(&mut self) {
        self.begun += 1;
        let phase = self.phase();
        let there = self.members().await;
        for (act, particulars) in &phase.acts {
            if there.contains_key(&particulars["email"].as_str().unwrap().to_lowercase()) {
                self.house.act(act, particulars.clone()).await;
            }
        }
        self.house.import(LIST, None, &phase.file());
        self.house.import("Newsletter", Some("box ticked at check-in"), &phase.granted_file());
        for email in &phase.withdrawals {
            self.house.postroom(&["consent", "set", email, "withdrawn"]).done();
        }
        if self.begun == 1 {
            self.house.tie(LIST, self.script.newcomers);
        }
        self.read_up_to = self.house.last_request().await;
    }

    /// Runs the sync once. Whatever went wrong, what must hold does.
    pub(crate) async fn run(&mut self) -> Answer {
        let answer = self.house.run_with(LIST, &[]);
        laws::ended_as_documented(&answer, self.phase());
        self.look().await;
        answer
    }

    /// Checks what must hold at every moment, of the members and of the requests since the last look that
    /// could have changed something.
    pub(crate) async fn look(&mut self) {
        let members = self.house.members_if_any().await;
        let writes = self.house.writes_after(self.read_up_to).await;
        self.read_up_to = writes.last().map_or(self.read_up_to, |write| write["seq"].as_u64().unwrap());
        let laws = laws::Laws::new(self.script, self.begun, &members);
        laws.explain(&writes);
        laws.nobody_is_subscribed_against_their_will();
        laws.no_status_was_sent_to_whom_was_there();
    }

    /// Runs until a run makes no request at all, and says where that led.
    pub(crate) async fn settle(&mut self) -> Settled {
        let mut requests = None;
        for _ in 0..RUNS_TO_SETTLE {
            let before = self.house.last_request().await;
            let answer = self.house.run_with(LIST, &[]);
            laws::ended_as_documented(&answer, self.phase());
            let report = answer.json();
            assert_eq!(report["stopped"], Value::Null, "nothing is in the way, and yet: {report}");
            self.look().await;
            let made = self.house.last_request().await - before;
            let requests = *requests.get_or_insert(made);
            if made == 0 {
                laws::every_number_opens(&self.house, &report);
                laws::Laws::new(self.script, self.begun, &self.house.members().await).nobody_is_left_behind();
                let (counts, tags) = (report["counts"].clone(), report["tags"].clone());
                return Settled { members: self.members().await, counts, tags, requests };
            }
        }
        panic!("after {RUNS_TO_SETTLE} runs without a fault there is still something to do");
    }

    /// The members, as they are compared.
    async fn members(&self) -> BTreeMap<String, Value> {
        let members = self.house.members().await.into_iter().map(|member| {
            let kept = ["email", "status", "status_below_archive", "status_origin", "compliance", "confirmations"];
            let kept = kept.into_iter().chain(["merge_fields", "tags", "interests", "vip", "source"]);
            let mut kept: Value = kept.map(|key| (key.to_owned(), member[key].clone())).collect();
            kept["tags"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
            (member["email"].as_str().unwrap().to_lowercase(), kept)
        });
        members.collect()
    }
}

impl House {
    /// The members of the audience; none when it is gone.
    pub(crate) async fn members_if_any(&self) -> Vec<Value> {
        let state = self.control(&format!("state?audience={AUDIENCE}")).await;
        state["audiences"][0]["members"].as_array().cloned().unwrap_or_default()
    }

    /// The requests behind a number of the book that could have changed something.
    pub(crate) async fn writes_after(&self, seq: u64) -> Vec<Value> {
        self.control(&format!("requests?writes=true&after={seq}")).await["requests"].as_array().unwrap().clone()
    }

    /// The number of the book's last request.
    pub(crate) async fn last_request(&self) -> u64 {
        let book = self.control("requests?all=true").await;
        book["requests"].as_array().unwrap().last().map_or(0, |request| request["seq"].as_u64().unwrap())
    }
}

/// The story without any fault: where each phase settles. `loses` is a field that an operator deletes
/// at the provider when the first phase begins.
pub(crate) async fn undisturbed(script: &Script, loses: Option<&str>) -> Vec<Settled> {
    let mut play = Play::open(script).await;
    let mut settled = Vec::new();
    for _ in &script.phases {
        play.begin().await;
        if let Some(tag) = loses.filter(|_| play.begun == 1) {
            play.house.act("delete_merge_field", json!({"tag": tag})).await;
        }
        settled.push(play.settle().await);
    }
    settled
}

/// Asserts that two settled houses are the same, naming what differs.
#[track_caller]
pub(crate) fn same(disturbed: &Settled, undisturbed: &Settled) {
    for (email, member) in &undisturbed.members {
        assert_eq!(disturbed.members.get(email), Some(member), "{email} is not what it would have been");
    }
    for email in disturbed.members.keys() {
        assert!(undisturbed.members.contains_key(email), "{email} is a member and should be none");
    }
    assert_eq!((&disturbed.counts, &disturbed.tags), (&undisturbed.counts, &undisturbed.tags));
}

/// The path of the audience at the provider.
pub(crate) fn audience_path() -> String {
    format!("/3.0/lists/{AUDIENCE}")
}
