//! Faults on demand (MC-33): which request goes wrong, how, and how often.

use serde::{Deserialize, Serialize};

use crate::book::Kind;

/// What happens instead of the ordinary answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Fault {
    /// 403 without a body, as a front proxy throttles. Nothing is applied.
    #[serde(rename = "bare_403")]
    Bare403,
    /// 503 with an HTML page. Nothing is applied.
    #[serde(rename = "bare_503")]
    Bare503,
    /// 500 as a problem document. Nothing is applied.
    #[serde(rename = "problem_500")]
    Problem500,
    /// 429 as a problem document, without `Retry-After`. Nothing is applied.
    #[serde(rename = "rate_429")]
    Rate429,
    /// The connection is reset when the head has been read, before the body. Nothing is applied.
    #[serde(rename = "reset_before_reading")]
    ResetBeforeReading,
    /// The request is applied, then the connection is reset without an answer.
    #[serde(rename = "reset_after_applying")]
    ResetAfterApplying,
    /// The request is applied, then answered with 500.
    #[serde(rename = "error_after_applying")]
    ErrorAfterApplying,
    /// The request is applied, then its answer waits for the rule's `ms` milliseconds.
    #[serde(rename = "stall_ms")]
    StallMs,
    /// The request is applied; half of the answer's body leaves, then the connection is cut.
    #[serde(rename = "truncate_body")]
    TruncateBody,
}

impl Fault {
    /// Whether the request is carried out all the same.
    #[must_use]
    pub fn applies(self) -> bool {
        match self {
            Self::Bare403 | Self::Bare503 | Self::Problem500 | Self::Rate429 | Self::ResetBeforeReading => false,
            Self::ResetAfterApplying | Self::ErrorAfterApplying | Self::StallMs | Self::TruncateBody => true,
        }
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
    /// For `stall_ms`: how long, in milliseconds.
    #[serde(default)]
    pub ms: Option<u64>,
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
        for rule in &rules {
            if (rule.fault == Fault::StallMs) != rule.ms.is_some() {
                return Err(
                    "A rule needs `ms` exactly when its fault is stall_ms: say for how many milliseconds to wait."
                        .to_owned(),
                );
            }
        }
        self.rules = rules.into_iter().map(|rule| ArmedRule { rule, seen: 0, fired: 0 }).collect();
        Ok(())
    }

    /// The rules with their counts.
    #[must_use]
    pub fn list(&self) -> &[ArmedRule] {
        &self.rules
    }

    /// The fault this request meets and its duration in milliseconds, if any. Every matching rule
    /// counts the request; the first one that is due strikes.
    pub fn strike(&mut self, method: &str, path: &str) -> Option<(Fault, u64)> {
        let mut struck = None;
        for armed in &mut self.rules {
            if !armed.rule.matcher.matches(method, path) {
                continue;
            }
            armed.seen += 1;
            let due = armed.seen > armed.rule.after && armed.rule.times.is_none_or(|times| armed.fired < times);
            if due && struck.is_none() {
                armed.fired += 1;
                struck = Some((armed.rule.fault, armed.rule.ms.unwrap_or_default()));
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
    fn a_stall_without_a_duration_is_refused() {
        let mut faults = Faults::default();
        assert!(faults.set(vec![rule(0, None, Fault::StallMs)]).is_err());
        assert!(faults.list().is_empty());
    }
}
