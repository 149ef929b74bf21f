//! How each fault of the simulator's table is brought about.

use postroom_simulators::faults::Fault;
use serde_json::{Value, json};

/// How long a slow request or answer takes here, in milliseconds: long enough to get out of step with
/// the others, far below any patience.
const SLOW_MS: u64 = 200;

/// What kind of play a fault is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Course {
    /// It strikes requests, and nothing may be left of it.
    Passing,
    /// The account is closed until its key is good again.
    KeyRevoked,
    /// The audience is gone for good.
    AudienceDeleted,
    /// A merge field is gone for good.
    FieldDeleted,
}

/// A fault with its particulars.
#[derive(Clone, Debug)]
pub(crate) struct Dish {
    pub(crate) name: &'static str,
    particulars: Value,
}

/// The kind of play of a fault. No wildcard: whoever adds a fault to the simulator says here what a
/// sync makes of it.
pub(crate) fn course(fault: Fault) -> Course {
    match fault {
        Fault::Bare403
        | Fault::Bare503
        | Fault::Problem500
        | Fault::Rate429
        | Fault::ResetBeforeReading
        | Fault::HoldMs
        | Fault::ResetAfterApplying
        | Fault::ErrorAfterApplying
        | Fault::PartlyApplied
        | Fault::StallMs
        | Fault::TruncateBody => Course::Passing,
        Fault::RevokeKey => Course::KeyRevoked,
        Fault::DeleteAudience => Course::AudienceDeleted,
        Fault::DeleteMergeField => Course::FieldDeleted,
    }
}

/// The faults that pass, each in all its forms.
pub(crate) fn passing() -> Vec<Dish> {
    let faults = Fault::ALL.iter().filter(|fault| course(**fault) == Course::Passing);
    faults.flat_map(|fault| forms(*fault)).collect()
}

fn forms(fault: Fault) -> Vec<Dish> {
    let dish = |name, further: Value| {
        let mut particulars = json!({"fault": fault});
        particulars.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        Dish { name, particulars }
    };
    match fault {
        Fault::Rate429 => {
            vec![dish("rate_429", json!({})), dish("rate_429 with a pause", json!({"retry_after": 0}))]
        }
        Fault::HoldMs | Fault::StallMs => vec![dish(fault.name(), json!({"ms": SLOW_MS}))],
        _ => vec![dish(fault.name(), json!({}))],
    }
}

/// The requests that a run makes, as matchers of rules.
pub(crate) const KINDS: [fn() -> Value; 8] = [
    || json!({"method": "GET", "path_contains": "/merge-fields"}),
    || json!({"method": "GET", "path_contains": "/members"}),
    || json!({"method": "GET", "path_contains": "/segments"}),
    || json!({"kind": "read"}),
    || json!({"method": "POST"}),
    || json!({"method": "POST", "path_contains": "/segments"}),
    || json!({"method": "PATCH"}),
    || json!({}),
];

impl Dish {
    /// The rule that lets this fault strike `times` of the requests that `of` matches, or all of them,
    /// after some have passed.
    pub(crate) fn rule(&self, of: &Value, after: u64, times: Option<u64>) -> Value {
        let mut rule = self.particulars.clone();
        rule["match"] = of.clone();
        rule["after"] = json!(after);
        rule["times"] = json!(times);
        rule
    }
}

#[test]
fn every_fault_of_the_simulator_is_on_the_menu() {
    let passing = passing();
    let mut alone = Vec::new();
    for fault in Fault::ALL {
        match course(*fault) {
            Course::Passing => {
                let is_served = passing.iter().any(|dish| dish.particulars["fault"] == fault.name());
                assert!(is_served, "{} is played by no test", fault.name());
            }
            course => alone.push(course),
        }
    }
    // Each of these has a test of its own in `alone`, which is about this one fault.
    assert_eq!(alone, [Course::KeyRevoked, Course::AudienceDeleted, Course::FieldDeleted]);
}
