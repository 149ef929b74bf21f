//! Faults on demand (MC-33): which request goes wrong, how, and how often.

use serde::{Deserialize, Serialize};

use crate::book::Kind;

/// What becomes of a request that a fault strikes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It is turned away: nothing is applied.
    TurnedAway,
    /// It is carried out, and something is wrong with its answer.
    Applied,
    /// The account changes before the request is looked at, as if somebody had acted there just then.
    AccountChanges,
}

/// The table of faults, once: the enum, its names and its effects come from these lines.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $fault:ident = $name:literal => $effect:ident;)+) => {
        /// What goes wrong with a request.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        pub enum Fault {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $fault,)+
        }

        impl Fault {
            /// Every fault that there is.
            pub const ALL: &[Self] = &[$(Self::$fault),+];

            /// Its name in rules and in the book.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$fault => $name,)+ }
            }

            /// What becomes of the request.
            #[must_use]
            pub fn effect(self) -> Effect {
                match self { $(Self::$fault => Effect::$effect,)+ }
            }
        }
    };
}

faults! {
    /// 403 without a body, as a front proxy throttles.
    Bare403 = "bare_403" => TurnedAway;
    /// 503 with an HTML page.
    Bare503 = "bare_503" => TurnedAway;
    /// 500 as a problem document.
    Problem500 = "problem_500" => TurnedAway;
    /// 429 as a problem document, with the rule's `retry_after` if it has one.
    Rate429 = "rate_429" => TurnedAway;
    /// The connection is reset when the head has been read, before the body.
    ResetBeforeReading = "reset_before_reading" => TurnedAway;
    /// The request waits for the rule's `ms` milliseconds and is then applied; if its client goes
    /// away meanwhile, it never is.
    HoldMs = "hold_ms" => Applied;
    /// The request is applied, then the connection is reset without an answer.
    ResetAfterApplying = "reset_after_applying" => Applied;
    /// The request is applied, then answered with 500.
    ErrorAfterApplying = "error_after_applying" => Applied;
    /// Of every list in the body the first half is applied, then the answer is 500: a server that
    /// died in the middle of a bulk call. The book shows the whole body.
    PartlyApplied = "partly_applied" => Applied;
    /// The request is applied, then its answer waits for the rule's `ms` milliseconds.
    StallMs = "stall_ms" => Applied;
    /// The request is applied; half of the answer's body leaves, then the connection is cut.
    TruncateBody = "truncate_body" => Applied;
    /// The key is revoked: this request and all later ones are answered 401 (MC-04).
    RevokeKey = "revoke_key" => AccountChanges;
    /// The audience that the path names is deleted.
    DeleteAudience = "delete_audience" => AccountChanges;
    /// The merge field of the rule's `name` is deleted from the audience that the path names.
    DeleteMergeField = "delete_merge_field" => AccountChanges;
}

impl Fault {
    fn lasts(self) -> bool {
        matches!(self, Self::HoldMs | Self::StallMs)
    }
}

/// Which requests a rule is about. An absent part matches everything.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// HTTP method, in any case.
    pub method: Option<String>,
    /// A part of the path.
    pub path_contains: Option<String>,
    /// Reads or writes.
    pub kind: Option<Kind>,
}

impl Matcher {
    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path_contains.as_deref().is_none_or(|part| path.contains(part))
            && self.kind.is_none_or(|kind| kind == Kind::of(method))
    }
}

/// One rule as it is set through the control API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The requests it is about.
    #[serde(rename = "match", default)]
    pub matcher: Matcher,
    /// How many matching requests pass before the first one goes wrong.
    #[serde(default)]
    pub after: u64,
    /// How many then go wrong; absent means all of them.
    #[serde(default)]
    pub times: Option<u64>,
    /// What goes wrong.
    pub fault: Fault,
    /// For `hold_ms` and `stall_ms`: how long, in milliseconds.
    #[serde(default)]
    pub ms: Option<u64>,
    /// For `rate_429`: the `Retry-After` in seconds; absent means that the answer has none.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// For `delete_merge_field`: the tag of the field.
    #[serde(default)]
    pub name: Option<String>,
}

impl FaultRule {
    /// A sentence, when the rule contradicts itself.
    fn contradiction(&self) -> Option<&'static str> {
        if self.fault.lasts() != self.ms.is_some() {
            return Some(
                "A rule needs `ms` exactly when its fault is hold_ms or stall_ms: say for how many milliseconds to wait.",
            );
        }
        if self.retry_after.is_some() && self.fault != Fault::Rate429 {
            return Some("Only a rule whose fault is rate_429 takes `retry_after`.");
        }
        if self.name.is_some() != (self.fault == Fault::DeleteMergeField) {
            return Some(
                "A rule needs `name` exactly when its fault is delete_merge_field: name the field by its tag.",
            );
        }
        None
    }
}

/// A fault that met a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Struck {
    /// What goes wrong.
    pub fault: Fault,
    /// How long it lasts, in milliseconds.
    pub ms: u64,
    /// The `Retry-After` of a 429, in seconds.
    pub retry_after: Option<u64>,
    /// The tag of the merge field that goes.
    pub name: Option<String>,
}

/// A rule and how often it has met a request and struck.
#[derive(Clone, Debug, Serialize)]
pub struct ArmedRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// Matching requests so far.
    pub seen: u64,
    /// Requests that went wrong by this rule.
    pub fired: u64,
}

/// The rules of one simulator, asked once per request.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<ArmedRule>,
}

impl Faults {
    /// Replaces all rules and starts counting anew.
    ///
    /// # Errors
    /// A sentence, when a rule contradicts itself. The rules in force then stay.
    pub fn set(&mut self, rules: Vec<FaultRule>) -> Result<(), String> {
        if let Some(sentence) = rules.iter().find_map(FaultRule::contradiction) {
            return Err(sentence.to_owned());
        }
        self.rules = rules.into_iter().map(|rule| ArmedRule { rule, seen: 0, fired: 0 }).collect();
        Ok(())
    }

    /// The rules with their counts.
    #[must_use]
    pub fn list(&self) -> &[ArmedRule] {
        &self.rules
    }

    /// The fault this request meets, if any. Every matching rule counts the request; the first one
    /// that is due strikes.
    pub fn strike(&mut self, method: &str, path: &str) -> Option<Struck> {
        let mut struck = None;
        for armed in &mut self.rules {
            if !armed.rule.matcher.matches(method, path) {
                continue;
            }
            armed.seen += 1;
            let due = armed.seen > armed.rule.after && armed.rule.times.is_none_or(|times| armed.fired < times);
            if due && struck.is_none() {
                armed.fired += 1;
                let FaultRule { fault, ms, retry_after, ref name, .. } = armed.rule;
                struck = Some(Struck { fault, ms: ms.unwrap_or_default(), retry_after, name: name.clone() });
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(after: u64, times: Option<u64>, fault: Fault) -> FaultRule {
        FaultRule {
            matcher: Matcher { method: Some("post".to_owned()), path_contains: Some("/lists/".to_owned()), kind: None },
            after,
            times,
            fault,
            ms: None,
            retry_after: None,
            name: None,
        }
    }

    #[test]
    fn a_rule_strikes_after_its_pause_and_only_so_often() {
        let mut faults = Faults::default();
        faults.set(vec![rule(1, Some(2), Fault::Bare403)]).unwrap();
        let struck: Vec<bool> = (0..5).map(|_| faults.strike("POST", "/3.0/lists/x").is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.strike("GET", "/3.0/lists/x").is_none());
        assert_eq!(faults.list()[0].seen, 5);
    }

    #[test]
    fn a_rule_that_contradicts_itself_is_refused() {
        let mut faults = Faults::default();
        let paused = FaultRule { retry_after: Some(1), ..rule(0, None, Fault::Bare503) };
        let named = FaultRule { name: Some("FNAME".to_owned()), ..rule(0, None, Fault::RevokeKey) };
        for wrong in [
            rule(0, None, Fault::StallMs),
            rule(0, None, Fault::HoldMs),
            rule(0, None, Fault::DeleteMergeField),
            paused,
            named,
        ] {
            assert!(faults.set(vec![wrong]).is_err());
            assert!(faults.list().is_empty());
        }
    }

    #[test]
    fn a_fault_is_read_by_the_name_that_it_bears() {
        for fault in Fault::ALL {
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.name());
        }
    }
}
