//! What is known of a contact's consent: stated, read, and shown to whoever asks for the proof (row D3).

use std::net::IpAddr;

use jiff::Timestamp;
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, ConsentState, Provenance};
use postroom_domain::contact::ContactId;
use postroom_domain::narrowing::Scope;
use postroom_store::contacts::PurposeStanding;
use serde::Serialize;

use crate::contacts::contact_ref;
use crate::{Result, Service, ServiceError};

/// An event of a contact's consent, as somebody states it.
#[derive(Debug, Clone)]
pub struct StateConsent {
    /// Whom, in words.
    pub who: String,
    /// What happened.
    pub act: ConsentAct,
    /// What it is about.
    pub scope: Scope,
    /// Who says so.
    pub source: ConsentSource,
    /// What shows it.
    pub evidence: Option<String>,
    /// Where it came from: the page, the letter, the program.
    pub origin: Option<String>,
    /// Which version of which text was agreed to; none for the text of the purpose, if it is one that happens
    /// now.
    pub wording: Option<String>,
    /// The network address that it was done from.
    pub ip: Option<IpAddr>,
    /// When it happened, if not now. It can't lie in the future.
    pub at: Option<Timestamp>,
}

/// What an event led to.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentRecorded {
    /// The contact.
    pub contact: ContactId,
    /// What was recorded is about this.
    #[serde(skip_serializing_if = "Scope::is_whole")]
    pub scope: Scope,
    /// Its state now: of a list or a purpose, what the contact said for that alone.
    pub consent: ConsentState,
}

/// Everything that this store knows of one person's consent, for that person or for whoever has the right
/// to ask.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentProof {
    /// When it was drawn up.
    pub drawn_up_at: Timestamp,
    /// The workspace that it was drawn up by.
    pub workspace: String,
    /// The contact.
    pub contact: ContactId,
    /// Its public hash.
    pub hash: String,
    /// Its e-mail address.
    pub email: String,
    /// Its key in the system that it comes from.
    pub external_id: Option<String>,
    /// Its state as it follows from the history.
    pub consent: ConsentState,
    /// The lists that it withdrew for.
    pub unsubscribed: Vec<String>,
    /// What it said for each purpose, and what follows.
    pub purposes: Vec<PurposeStanding>,
    /// The history, oldest first. It is only ever added to.
    pub history: Vec<ConsentEvent>,
}

impl Service {
    /// Adds an event to the history of a contact's consent.
    ///
    /// # Errors
    ///
    /// Bad input for a grant without evidence, for an event of tomorrow and for news of a mailbox about a list or a
    /// purpose; not found; a conflict when the
    /// grant lifts nothing because the contact had withdrawn (invariant 2). The event is kept all the same.
    pub async fn state_consent(&self, request: StateConsent) -> Result<ConsentRecorded> {
        let who = contact_ref(&request.who)?;
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let evidence = filled(request.evidence);
        if request.act == ConsentAct::Granted && evidence.is_none() {
            return Err(ServiceError::BadInput(
                "a consent that is granted needs its evidence: say what shows it, such as the form and the day"
                    .to_owned(),
            ));
        }
        let now = self.now();
        let at = request.at.unwrap_or(now);
        if at > now {
            return Err(ServiceError::BadInput(format!(
                "{at} has not come yet: say when it happened, or leave the time out"
            )));
        }
        request.scope.admit(request.act).map_err(|fault| ServiceError::BadInput(fault.to_string()))?;
        let mut wording = filled(request.wording);
        if wording.is_none() && request.at.is_none() && matches!(request.act, ConsentAct::Granted | ConsentAct::Asked) {
            wording = self.wording(&request.scope).await?;
        }
        let mut event = ConsentEvent {
            at,
            act: request.act,
            source: request.source,
            scope: request.scope,
            evidence,
            provenance: Provenance { origin: filled(request.origin), wording, ip: request.ip },
        };
        let detail = self.detail(&who, &request.who).await?;
        if request.at.is_none() {
            // What is said now comes after what was said before, also when the clock was set back in between.
            let said = detail.consent_history.iter().filter(|said| said.scope == event.scope).map(|said| said.at);
            event.at = said.max().map_or(now, |latest| latest.max(now));
        }
        let consent = self.store().record_consent(&who, &event).await?;
        if event.act == ConsentAct::Granted && consent != ConsentState::Granted {
            return Err(ServiceError::ConsentStands { who: request.who, scope: event.scope, state: consent });
        }
        Ok(ConsentRecorded { contact: detail.contact.id, scope: event.scope, consent })
    }

    /// The text that belongs to a purpose at this moment.
    async fn wording(&self, scope: &Scope) -> Result<Option<String>> {
        let Scope::Purpose(name) = scope else { return Ok(None) };
        let purposes = self.store().purposes().await?;
        Ok(purposes.into_iter().find(|purpose| purpose.name == *name).and_then(|purpose| purpose.wording))
    }

    /// The history of a contact's consent with everything that shows it.
    ///
    /// # Errors
    ///
    /// Bad input for a name that is none, not found.
    pub async fn consent_proof(&self, who: &str) -> Result<ConsentProof> {
        let workspace = self.store().workspace().await?;
        let detail = self.contact(who).await?;
        Ok(ConsentProof {
            drawn_up_at: self.now(),
            workspace: workspace.name,
            contact: detail.contact.id,
            hash: detail.contact.hash,
            email: detail.contact.email.to_string(),
            external_id: detail.contact.external_id,
            consent: detail.contact.consent,
            unsubscribed: detail.unsubscribed,
            purposes: detail.purposes,
            history: detail.consent_history,
        })
    }
}
