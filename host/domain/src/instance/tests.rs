use proptest::prelude::*;

use super::*;

fn mark(number: u64, nonce: &str) -> Mark {
    Mark { number, nonce: nonce.to_owned() }
}

fn place(machine: &str, folder: &str) -> Place {
    Place { machine: Some(machine.to_owned()), folder: folder.to_owned() }
}

/// A store in `/here` on `m` with the mark 5, which its file knows.
fn facts() -> Facts {
    Facts {
        inside: Inside {
            mark: Some(mark(5, "e")),
            before: Some("d".to_owned()),
            place: Some(place("m", "/here")),
            history: History::Armed,
        },
        outside: Some(Outside { mark: mark(5, "e"), folder: "/here".to_owned() }),
        here: place("m", "/here"),
        original: Original::Same,
    }
}

fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = facts();
    change(&mut facts);
    facts
}

fn file(facts: &mut Facts, number: u64, nonce: &str) {
    facts.outside = Some(Outside { mark: mark(number, nonce), folder: "/here".to_owned() });
}

#[test]
fn what_is_found_decides() {
    use Verdict::{Copied, First, Moved, Restored, Same};
    let moved = |facts: &mut Facts, original| {
        facts.here.folder = "/there".to_owned();
        facts.original = original;
    };
    let table: [(&str, Facts, Verdict); 19] = [
        ("as it was", facts(), Same),
        ("killed between store and file", with(|facts| file(facts, 4, "d")), Same),
        ("the file is one behind, with another word", with(|facts| file(facts, 4, "x")), Restored(Sign::Strange)),
        ("the file is two behind", with(|facts| file(facts, 3, "c")), Restored(Sign::Strange)),
        ("the store is one behind", with(|facts| file(facts, 6, "f")), Restored(Sign::Older)),
        ("both went on", with(|facts| file(facts, 5, "x")), Restored(Sign::Strange)),
        ("a backup from before its first mark", with(|facts| facts.inside.mark = None), Restored(Sign::Older)),
        ("moved", with(|facts| moved(facts, Original::Gone)), Moved),
        ("by another path", with(|facts| moved(facts, Original::Same)), Moved),
        ("copied", with(|facts| moved(facts, Original::Stands)), Copied(Sign::OriginalStands)),
        (
            "copied before anything happened",
            with(|facts| {
                moved(facts, Original::Stands);
                facts.inside.history = History::None;
            }),
            Copied(Sign::OriginalStands),
        ),
        (
            "an old backup in another folder",
            with(|facts| {
                file(facts, 9, "i");
                moved(facts, Original::Gone);
            }),
            Restored(Sign::Older),
        ),
        ("a machine that was cloned", with(|facts| facts.here.machine = None), Copied(Sign::OtherPlace)),
        (
            "back from another machine",
            with(|facts| {
                facts.inside.place = Some(place("n", "/here"));
                file(facts, 2, "b");
            }),
            Copied(Sign::OtherPlace),
        ),
        (
            "another machine before anything happened",
            with(|facts| {
                facts.inside.history = History::None;
                facts.here.machine = None;
            }),
            Moved,
        ),
        ("the file is gone", with(|facts| facts.outside = None), Restored(Sign::FileGone)),
        (
            "the file is gone, and nothing was armed",
            with(|facts| {
                facts.outside = None;
                facts.inside.history = History::Worked;
            }),
            First,
        ),
        (
            "no file on another machine",
            with(|facts| {
                facts.outside = None;
                facts.inside.history = History::Worked;
                facts.here = place("n", "/here");
            }),
            Copied(Sign::OtherPlace),
        ),
        (
            "new",
            with(|facts| {
                facts.outside = None;
                facts.inside = Inside { mark: None, before: None, place: None, history: History::None };
            }),
            First,
        ),
    ];
    for (name, facts, verdict) in table {
        assert_eq!(decide(&facts), verdict, "{name}");
    }
}

#[test]
fn every_sentence_says_what_to_do() {
    for sign in [Sign::OriginalStands, Sign::OtherPlace, Sign::Older, Sign::Strange, Sign::FileGone] {
        let sentence = sign.sentence(&facts()).to_lowercase();
        assert!(sentence.contains("let") && sentence.contains("go on") && !sentence.contains("  "), "{sentence}");
    }
}

/// A store with its file outside, as whoever keeps to the order of writing changes them.
#[derive(Debug, Clone)]
struct World {
    facts: Facts,
    words: u32,
}

impl World {
    fn new() -> Self {
        let inside = Inside { mark: None, before: None, place: None, history: History::None };
        Self { facts: Facts { inside, outside: None, here: place("m", "/0"), original: Original::Gone }, words: 0 }
    }

    /// Renews the mark; the program may end after the store has it.
    fn renew(&mut self, is_cut_short: bool) {
        let Facts { inside, outside, here, .. } = &mut self.facts;
        if let (Some(mark), Some(file)) = (&inside.mark, outside.as_mut()) {
            *file = Outside { mark: mark.clone(), folder: here.folder.clone() };
        }
        self.words += 1;
        let mark = self.facts.next_mark(self.words.to_string());
        let Facts { inside, outside, here, .. } = &mut self.facts;
        inside.before = inside.mark.take().map(|mark| mark.nonce);
        inside.place = Some(here.clone());
        inside.mark = Some(mark.clone());
        if !is_cut_short {
            *outside = Some(Outside { mark, folder: here.folder.clone() });
        }
    }
}

proptest! {
    /// Whatever ends it and wherever it is moved to, a store that stays alone is never held; and no state of it from
    /// before the last mark goes on unseen, wherever it is put.
    #[test]
    fn an_older_state_is_always_seen_and_nothing_else_is(
        steps in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..20),
        old in any::<prop::sample::Index>(),
        moves in any::<bool>(),
    ) {
        let mut world = World::new();
        let mut states = Vec::new();
        for (number, (is_moved, is_cut_short)) in steps.into_iter().enumerate() {
            states.push(world.facts.inside.clone());
            if is_moved {
                world.facts.here.folder = format!("/{number}");
            }
            let verdict = decide(&world.facts);
            prop_assert!(verdict.suspicion().is_none(), "{verdict:?} of {world:?}");
            // The first mark is not cut short: of a store without a file nothing is known, see `First`.
            world.renew(is_cut_short && world.facts.outside.is_some());
            world.facts.inside.history = History::Armed;
        }
        // Another renewal, as whoever sends next makes it.
        world.renew(false);
        world.facts.inside = old.get(&states).clone();
        if moves {
            world.facts.here.folder = "/elsewhere".to_owned();
        }
        prop_assert_eq!(decide(&world.facts), Verdict::Restored(Sign::Older));
    }
}
