//! How a run finds the entries that may need something: by following what moved, or by comparing all.
//!
//! A sync keeps a picture of its list: which contacts needed nothing when it last looked, and up to
//! which sequence number that holds. Whoever has not moved since needs nothing still, so only the others
//! are looked at. [`discover`] says when the picture may be trusted. When it may not, every entry is
//! compared anew: that is slower and believes nobody, and it is what finds our own mistakes.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::projection::ContentHash;

/// How long a sync may go by its picture before everything is compared again: the nightly safety net.
pub const COMPARED_AT_LEAST_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// At most so many contacts are looked at one by one. Each costs a search in four tables, about twice
/// what it costs in a comparison that walks them in order on every core.
pub const MOST_LOOKED_AT: u64 = 50_000;

/// How a run found the entries to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "discovery", content = "discovery_reason")]
pub enum Discovery {
    /// By what moved since the last look.
    Cursor,
    /// By comparing every entry, for this reason.
    Comparison(Why),
}

/// Why every entry is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Somebody asked for it.
    Asked,
    /// No run of the sync has looked at its list yet.
    NeverCompared,
    /// The mapping, the tag or the policy for newcomers is another, or the program is.
    OtherSettings,
    /// The plugin is another version.
    OtherPlugin,
    /// The last comparison is a day ago.
    Due,
    /// The list changed as a whole.
    ListChanged,
    /// So much moved that comparing is quicker.
    MuchMoved,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Asked,
        Self::NeverCompared,
        Self::OtherSettings,
        Self::OtherPlugin,
        Self::Due,
        Self::ListChanged,
        Self::MuchMoved,
    ];
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "it was asked for",
            Self::NeverCompared => "no run has looked at the list yet",
            Self::OtherSettings => "the sync's settings are not those of the last look",
            Self::OtherPlugin => "the plugin is not the one of the last look",
            Self::Due => "everything is compared at least once a day",
            Self::ListChanged => "the list changed as a whole",
            Self::MuchMoved => "much has moved since the last look",
        })
    }
}

impl fmt::Display for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cursor => f.write_str("by what moved since the last look"),
            Self::Comparison(why) => write!(f, "by comparing every entry: {why}"),
        }
    }
}

/// What a run is about to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Everything is to be compared, whatever is known.
    pub full: bool,
    /// The hash of the settings that decide.
    pub settings: &'a ContentHash,
    /// The digest of the plugin.
    pub plugin_digest: &'a str,
    /// The moment, in rule time.
    pub at: Timestamp,
}

/// What a sync's picture was made from, and what has happened since.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The hash of the settings it was made under.
    pub settings: &'a ContentHash,
    /// The digest of the plugin then.
    pub plugin_digest: &'a str,
    /// When everything was last compared.
    pub compared_at: Timestamp,
    /// Whether the list changed since without saying for whom.
    pub list_changed: bool,
    /// How many contacts are to be looked at: those that needed something then, and those that moved
    /// since. None when so much happened that nobody counted.
    pub to_look_at: Option<u64>,
}

/// Whether a sync's picture may be followed; `known` is none when it has none.
///
/// The picture says who needed nothing. That is still so for whoever has not moved if the decision is
/// made from the same settings by the same plugin, and if everybody who moved since is named. It is not
/// followed for longer than a day, nor from the future (a clock was set back), nor when looking at
/// everybody is quicker.
#[must_use]
pub fn discover(search: &Search<'_>, known: Option<&Known<'_>>) -> Discovery {
    let Some(known) = known.filter(|_| !search.full) else {
        return Discovery::Comparison(if search.full { Why::Asked } else { Why::NeverCompared });
    };
    let age = search.at.duration_since(known.compared_at);
    let is_recent = !age.is_negative() && age < COMPARED_AT_LEAST_EVERY;
    let is_little = known.to_look_at.is_some_and(|number| number <= MOST_LOOKED_AT);
    let objections = [
        (known.settings != search.settings, Why::OtherSettings),
        (known.plugin_digest != search.plugin_digest, Why::OtherPlugin),
        (!is_recent, Why::Due),
        (known.list_changed, Why::ListChanged),
        (!is_little, Why::MuchMoved),
    ];
    let objection = objections.into_iter().find_map(|(holds, why)| holds.then_some(why));
    objection.map_or(Discovery::Cursor, Discovery::Comparison)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: ContentHash = [1; 16];
    const OTHERS: ContentHash = [2; 16];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + seconds).unwrap()
    }

    fn search() -> Search<'static> {
        Search { full: false, settings: &SETTINGS, plugin_digest: "sha256:00", at: at(100) }
    }

    fn known() -> Known<'static> {
        Known {
            settings: &SETTINGS,
            plugin_digest: "sha256:00",
            compared_at: at(0),
            list_changed: false,
            to_look_at: Some(0),
        }
    }

    #[test]
    fn the_same_sync_is_followed_as_long_as_everybody_who_moved_is_named() {
        assert_eq!(discover(&search(), Some(&known())), Discovery::Cursor);
        let busy = Known { to_look_at: Some(MOST_LOOKED_AT), ..known() };
        assert_eq!(discover(&search(), Some(&busy)), Discovery::Cursor);
    }

    #[test]
    fn every_other_case_compares_and_says_why() {
        let last_moment = COMPARED_AT_LEAST_EVERY.as_secs();
        let cases = [
            (Search { full: true, ..search() }, Some(known()), Why::Asked),
            (Search { full: true, ..search() }, None, Why::Asked),
            (search(), None, Why::NeverCompared),
            (search(), Some(Known { settings: &OTHERS, ..known() }), Why::OtherSettings),
            (search(), Some(Known { plugin_digest: "sha256:01", ..known() }), Why::OtherPlugin),
            (Search { at: at(last_moment), ..search() }, Some(known()), Why::Due),
            (Search { at: at(-1), ..search() }, Some(known()), Why::Due),
            (search(), Some(Known { list_changed: true, ..known() }), Why::ListChanged),
            (search(), Some(Known { to_look_at: Some(MOST_LOOKED_AT + 1), ..known() }), Why::MuchMoved),
            (search(), Some(Known { to_look_at: None, ..known() }), Why::MuchMoved),
        ];
        for (search, known, why) in cases {
            assert_eq!(discover(&search, known.as_ref()), Discovery::Comparison(why), "{known:?}");
        }
        let just_within = Search { at: at(last_moment - 1), ..search() };
        assert_eq!(discover(&just_within, Some(&known())), Discovery::Cursor);
    }

    #[test]
    fn its_json_is_a_word_and_a_reason() {
        let json = |discovery| serde_json::to_string(&discovery).unwrap();
        assert_eq!(json(Discovery::Cursor), r#"{"discovery":"cursor"}"#);
        assert_eq!(
            json(Discovery::Comparison(Why::MuchMoved)),
            r#"{"discovery":"comparison","discovery_reason":"much-moved"}"#
        );
        for why in Why::ALL {
            let discovery = Discovery::Comparison(why);
            assert_eq!(serde_json::from_str::<Discovery>(&json(discovery)).unwrap(), discovery);
        }
    }
}
