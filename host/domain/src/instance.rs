//! Whether a store is the one that it was: a copy of it, or an older state of it, would send once more what was sent.
//!
//! A store keeps a *mark*, a number with a random word, and so does a file outside of it. Both are renewed before
//! something leaves, first that in the store. Hence the file may be one step behind, when the program ended in between;
//! a store that is behind the file was put back from a backup, and one that is found elsewhere while the file's is
//! still there is a copy.

use serde::{Deserialize, Serialize};

/// What tells two states of a store apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many-eth it is.
    pub number: u64,
    /// A random word: two copies that both go on have the same numbers, and other words.
    pub nonce: String,
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// A digest that tells this machine from others; none where machines have no name.
    pub machine: Option<String>,
    /// The folder, without links in its path.
    pub folder: String,
}

/// How much has happened that would happen again. Each case says more than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum History {
    /// Nothing was planned for a provider, and no sync has run.
    None,
    /// Something was planned, or a sync has run.
    Worked,
    /// Something was armed.
    Armed,
}

/// What a store knows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Its mark; none if it never had one.
    pub mark: Option<Mark>,
    /// The word of the mark before this one.
    pub before: Option<String>,
    /// Where it was when it was last marked.
    pub place: Option<Place>,
    /// What has happened in it.
    pub history: History,
}

/// What the file outside says of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// The mark.
    #[serde(flatten)]
    pub mark: Mark,
    /// The folder that the store was in.
    pub folder: String,
}

/// What is in the folder that the file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Original {
    /// No store of this name any more.
    Gone,
    /// This very store, by another path.
    Same,
    /// A store of the same name that is not this one; or it can't be told.
    Stands,
}

/// All that the verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What the store knows.
    pub inside: Inside,
    /// What the file says; none if there is no file.
    pub outside: Option<Outside>,
    /// Where the store is now.
    pub here: Place,
    /// What is in the folder that the file names.
    pub original: Original,
}

/// Whether a store is the one that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Same,
    /// There is nothing yet to compare it with, and nothing that could happen twice.
    First,
    /// It is, in another folder.
    Moved,
    /// It is a copy, and the original may be at work.
    Copied(Sign),
    /// It is an older state of itself.
    Restored(Sign),
}

/// What gives a copy or an older state away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The folder that the file names has the store still.
    OriginalStands,
    /// It last worked on another machine, or in another folder of which nothing is known here.
    OtherPlace,
    /// Its mark is older than the file's.
    Older,
    /// Its mark has the file's number and another word, or is ahead of it by more than one step.
    Strange,
    /// The file is not there, although things were sent from here.
    FileGone,
}

/// Why a store is suspected, as it is kept until somebody lets it go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspicion {
    /// It is a copy.
    Copied,
    /// It is an older state of itself.
    Restored,
}

/// Whether a store is the one that it was.
///
/// What can't be told counts as the worse case where something could happen twice, and as the better one where
/// nothing could.
#[must_use]
pub fn decide(facts: &Facts) -> Verdict {
    let Facts { inside, outside, here, original } = facts;
    let Some(outside) = outside else { return without_file(inside, here) };
    let has_moved = outside.folder != here.folder;
    if has_moved && *original == Original::Stands {
        return Verdict::Copied(Sign::OriginalStands);
    }
    let is_elsewhere = inside.place.as_ref().is_some_and(|place| place.machine != here.machine);
    match strangeness(inside, &outside.mark) {
        Some(_) if is_elsewhere => Verdict::Copied(Sign::OtherPlace),
        Some(sign) => Verdict::Restored(sign),
        // A machine that was cloned has the file too, and mostly another name.
        None if is_elsewhere && inside.history > History::None => Verdict::Copied(Sign::OtherPlace),
        None if has_moved || is_elsewhere => Verdict::Moved,
        None => Verdict::Same,
    }
}

fn without_file(inside: &Inside, here: &Place) -> Verdict {
    if inside.mark.is_none() {
        return Verdict::First;
    }
    let is_here = inside.place.as_ref() == Some(here);
    match inside.history {
        History::Armed if is_here => Verdict::Restored(Sign::FileGone),
        History::Armed | History::Worked if !is_here => Verdict::Copied(Sign::OtherPlace),
        _ => Verdict::First,
    }
}

/// What is wrong with the store's mark; none where it follows the file's.
fn strangeness(inside: &Inside, file: &Mark) -> Option<Sign> {
    let Some(mark) = &inside.mark else { return Some(Sign::Older) };
    if mark == file {
        return None;
    }
    // The program ended after the store had its new mark, and before the file had it.
    let follows = mark.number.checked_sub(1) == Some(file.number) && inside.before.as_ref() == Some(&file.nonce);
    if follows {
        return None;
    }
    Some(if mark.number < file.number { Sign::Older } else { Sign::Strange })
}

impl Facts {
    /// The mark that comes after both, with a new word.
    #[must_use]
    pub fn next_mark(&self, nonce: String) -> Mark {
        let known = [self.inside.mark.as_ref(), self.outside.as_ref().map(|outside| &outside.mark)];
        let last = known.into_iter().flatten().map(|mark| mark.number).max().unwrap_or_default();
        Mark { number: last.saturating_add(1), nonce }
    }
}

impl Verdict {
    /// The suspicion that follows, if any.
    #[must_use]
    pub fn suspicion(self) -> Option<Suspicion> {
        match self {
            Self::Same | Self::First | Self::Moved => None,
            Self::Copied(_) => Some(Suspicion::Copied),
            Self::Restored(_) => Some(Suspicion::Restored),
        }
    }

    /// What gives it away, if anything does.
    #[must_use]
    pub fn sign(self) -> Option<Sign> {
        match self {
            Self::Same | Self::First | Self::Moved => None,
            Self::Copied(sign) | Self::Restored(sign) => Some(sign),
        }
    }
}

impl Sign {
    /// What was found and what to do, in sentences without the last full stop.
    #[must_use]
    pub fn sentence(self, facts: &Facts) -> String {
        let noted = facts.outside.as_ref().map_or("", |outside| outside.folder.as_str());
        let before = facts.inside.place.as_ref().map_or("", |place| place.folder.as_str());
        match self {
            Self::OriginalStands => format!(
                "this store is a copy of the one in {noted}, and what is planned would go out from both. Let this one go \
                 on only if the other one sends nothing any more"
            ),
            Self::OtherPlace => format!(
                "this store last worked on another machine or in another folder ({before}), and what is planned would go \
                 out from there too. Let it go on once the other one is stopped for good"
            ),
            Self::Older => "this database is older than what was last noted of it: it was put back from a backup, and \
                            what went out since would go out again. Put the newest database back, or look at what \
                            would go out and let it go on"
                .to_owned(),
            Self::Strange => "this database and the note that is kept of it outside have gone different ways: one of \
                              them was put back from a backup, or copied. Look at what would go out and let it go on"
                .to_owned(),
            Self::FileGone => "the note that is kept of this store outside is gone, so that it can't be told whether \
                               this is the newest database. If it was not put back from a backup, let it go on"
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
