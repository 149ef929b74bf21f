//! Whether the store is the one that it was, and what holds all of its intents until somebody lets them go on.
//!
//! ```text
//! about to reach a provider ─▶ check ─▶ same, first, moved ─▶ mark renewed: the store's, then the note's
//!                                └────▶ copied, restored ──▶ held, what was armed is in doubt
//! ```

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use postroom_domain::instance::{Facts, Original, Outside, Suspicion, decide};
use postroom_domain::intent::{IntentKind, IntentState};
use postroom_store::instance::{Acceptance, InstanceNote, Renewal, Witness};
use postroom_store::intents::{Halt, Halted, WaitingIntents};
use serde::Serialize;
use uuid::Uuid;

use crate::intents::words;
use crate::{Result, Service, ServiceError};

/// How old a mark may be when something is armed. A backup that was taken after the mark and before that is not told
/// from the store; a mark is two small files that are brought down to the disk.
pub const MARKED_AT_LEAST_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// What is held, and what would go out.
#[derive(Debug, Clone, Serialize)]
pub struct Holding {
    /// The hold, with why and since when; none if nothing is held.
    pub held: Option<Halted>,
    /// What the store is suspected of, where that is behind it.
    pub suspicion: Option<Suspicion>,
    /// What waits, the messages first. Opt-outs are not among it: nothing holds them.
    pub waiting: Vec<Waiting>,
    /// How many intents are in doubt, and are resolved one by one.
    pub in_doubt: u64,
}

/// What waits of one kind for one account.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// The account's name.
    pub account_name: String,
    /// How many, of which kind.
    #[serde(flatten)]
    pub intents: WaitingIntents,
}

/// What went on.
#[derive(Debug, Clone, Serialize)]
pub struct Resumed {
    /// The hold that was lifted; none if there was none.
    pub lifted: Option<Halted>,
    /// The store's name among all stores: a copy that goes on has a new one.
    pub instance: String,
    /// What goes out now, but for accounts that are paused.
    pub waiting: Vec<Waiting>,
}

/// All that a check looks at.
struct Look<'w> {
    witness: &'w dyn Witness,
    note: InstanceNote,
    kept_in: String,
    facts: Facts,
}

impl Service {
    /// Looks whether the store is the one that it was, and renews its mark if so; if not, all of its intents are held,
    /// opt-outs apart. Whoever is about to reach a provider asks first. Answers with what holds them.
    ///
    /// # Errors
    ///
    /// When the storage, or the note outside of it, can't be read or written: then nothing may leave.
    pub async fn check_instance(&self) -> Result<Option<Halted>> {
        let mut marked = self.marked.lock().await;
        self.check(&mut marked).await
    }

    /// The same, for whoever arms intents and asks before each time: it does nothing while the last look is younger than
    /// [`MARKED_AT_LEAST_EVERY`].
    ///
    /// # Errors
    ///
    /// As [`check_instance`](Self::check_instance); then nothing may be armed.
    pub async fn renew_mark(&self) -> Result<()> {
        let mut marked = self.marked.lock().await;
        let age = marked.map(|at| self.now().duration_since(at));
        // A clock that was set back makes it look young, and is no reason to wait.
        if age.is_some_and(|age| !age.is_negative() && age < MARKED_AT_LEAST_EVERY) {
            return Ok(());
        }
        self.check(&mut marked).await.map(|_| ())
    }

    /// Holds all intents, opt-outs apart, until somebody lets them go on. Held twice, the later reason stands.
    ///
    /// # Errors
    ///
    /// Bad input without a reason.
    pub async fn hold(&self, why: &str) -> Result<Halted> {
        let halted = Halted { halt: Halt::Hold, why: words("why it is held", why)?.to_owned(), at: self.now() };
        self.store().halt_intents(&halted).await?;
        Ok(halted)
    }

    /// What is held, why, and what would go out.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn holding(&self) -> Result<Holding> {
        let figures = self.store().intent_figures(None).await?;
        Ok(Holding {
            held: self.held().await?,
            suspicion: self.store().instance_note().await?.suspicion,
            waiting: self.waiting().await?,
            in_doubt: figures.states.get(&IntentState::InDoubt).copied().unwrap_or_default(),
        })
    }

    /// Lifts the hold. A copy becomes a store of its own by it; whoever does so has seen to the original.
    /// `is_known` says that the operator knows what the store is suspected of.
    ///
    /// # Errors
    ///
    /// It asks for a yes where the store is suspected and `is_known` is not said.
    pub async fn resume(&self, is_known: bool) -> Result<Resumed> {
        let mut marked = self.marked.lock().await;
        let suspicion = self.store().instance_note().await?.suspicion;
        if suspicion.is_some() && !is_known {
            return Err(ServiceError::Suspected(self.held().await?.map_or_else(String::new, |held| held.why)));
        }
        // Where nothing was wrong, mark and note are renewed by whoever sends next.
        let look = if suspicion.is_some() { self.look().await? } else { None };
        let renewal = look.as_ref().map(Look::renewal);
        let instance = (suspicion == Some(Suspicion::Copied)).then(|| Uuid::now_v7().to_string());
        // The note of a new name comes first: nobody looks for it until the store has the name too.
        if let (Some(look), Some(renewal), Some(instance)) = (&look, &renewal, &instance) {
            look.keep(instance, renewal).await?;
        }
        let acceptance = Acceptance { instance, renewal };
        let lifted = self.store().accept_instance(&acceptance).await?;
        if let (Some(look), Acceptance { instance: None, renewal: Some(renewal) }) = (&look, &acceptance) {
            look.keep(&look.note.instance, renewal).await?;
            *marked = Some(self.now());
        }
        let instance = self.store().instance_note().await?.instance;
        Ok(Resumed { lifted, instance, waiting: self.waiting().await? })
    }

    async fn check(&self, marked: &mut Option<Timestamp>) -> Result<Option<Halted>> {
        let Some(look) = self.look().await? else { return self.held().await };
        // What was found stays found until somebody lets it go on.
        if look.note.suspicion.is_none() {
            let verdict = decide(&look.facts);
            match (verdict.suspicion(), verdict.sign()) {
                (Some(suspicion), Some(sign)) => {
                    let why = sign.sentence(&look.facts);
                    let done = self.store().suspect_instance(suspicion, &why, self.now()).await?;
                    tracing::warn!(why, in_doubt = done.in_doubt, "everything is held, opt-outs apart");
                }
                _ => look.renew(self).await?,
            }
        }
        *marked = Some(self.now());
        self.held().await
    }

    /// Looks at the store and at its note; none where nobody bears witness.
    async fn look(&self) -> Result<Option<Look<'_>>> {
        let Some(witness) = self.witness.as_deref() else { return Ok(None) };
        let note = self.store().instance_note().await?;
        let here = witness.here().await?;
        let (kept_in, outside) = witness.note(&note.instance, note.kept_in.as_deref()).await?;
        let original = match &outside {
            Some(outside) if outside.folder != here.folder => witness.original(&note.instance, &outside.folder).await?,
            _ => Original::Same,
        };
        let facts = Facts { inside: note.inside.clone(), outside, here, original };
        Ok(Some(Look { witness, note, kept_in, facts }))
    }

    async fn held(&self) -> Result<Option<Halted>> {
        Ok(self.store().halts().await?.into_iter().find(|halted| halted.halt == Halt::Hold))
    }

    async fn waiting(&self) -> Result<Vec<Waiting>> {
        let names: HashMap<i64, String> = self.account_names().await?;
        let mut waiting: Vec<Waiting> = self
            .store()
            .waiting_intents(self.now())
            .await?
            .into_iter()
            .map(|intents| Waiting { account_name: names.get(&intents.account).cloned().unwrap_or_default(), intents })
            .collect();
        waiting.sort_by(|one, other| {
            let place = |waiting: &Waiting| (!is_message(waiting.intents.kind), waiting.account_name.clone());
            place(one).cmp(&place(other)).then(one.intents.kind.cmp(&other.intents.kind))
        });
        Ok(waiting)
    }
}

impl Look<'_> {
    /// The next mark.
    fn renewal(&self) -> Renewal {
        Renewal {
            mark: self.facts.next_mark(Uuid::now_v7().simple().to_string()),
            before: self.facts.outside.as_ref().map(|outside| outside.mark.nonce.clone()),
            place: self.facts.here.clone(),
            kept_in: self.kept_in.clone(),
        }
    }

    async fn keep(&self, instance: &str, renewal: &Renewal) -> Result<()> {
        let note = Outside { mark: renewal.mark.clone(), folder: renewal.place.folder.clone() };
        Ok(self.witness.keep(instance, &self.kept_in, &note).await?)
    }

    /// Renews the mark: the store's first, so that whatever ends the program, the note is at most one step behind.
    async fn renew(mut self, service: &Service) -> Result<()> {
        let known = self.facts.inside.mark.clone().zip(self.facts.outside.clone());
        if let Some((mark, outside)) = known {
            // What the one before did not get to: the note takes the store's mark before there is another one.
            let caught_up = Outside { mark, folder: self.facts.here.folder.clone() };
            if outside != caught_up {
                self.witness.keep(&self.note.instance, &self.kept_in, &caught_up).await?;
                self.facts.outside = Some(caught_up);
            }
        }
        let renewal = self.renewal();
        service.store().renew_mark(&renewal).await?;
        self.keep(&self.note.instance, &renewal).await
    }
}

/// Whether it is a message that somebody reads.
fn is_message(kind: IntentKind) -> bool {
    matches!(kind, IntentKind::TemplateSend | IntentKind::CampaignTrigger)
}
