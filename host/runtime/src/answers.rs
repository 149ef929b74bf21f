//! Answers are checked before anybody uses them: against the call, against the limits, and their
//! texts for what does not belong into a report.
//!
//! Texts for people are cut and cleaned. Ids are neither: a changed id is another id, so one that
//! breaks a rule spoils the answer.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use postroom_egress::AccountEgress;

use crate::contract::{
    AccountInfo, ActAnswer, ActOutcome, Audience, BatchAnswer, ContactWrite, Extras, Finding, ItemOutcome, ItemResult,
    Member, ProviderError, RejectionClass, RemoteField, RemoteStatus, TagChange, TagOutcome, TagsAnswer, Template,
    TemplateAnswer, TemplateOutcome, TemplateSend,
};
use crate::limits::{
    MAX_CHOICES, MAX_ID_BYTES, MAX_LISTED, MAX_PREPARED_BYTES, MAX_REMARKS, MAX_TEXT_BYTES, MAX_WARNINGS, SHOWN_AFTER_S,
};
use crate::text::{clean, is_direction_mark, is_invisible};

/// Reads the answers of one account's plugin. Errors are sentences.
pub(crate) struct Reader {
    account: AccountEgress,
}

impl Reader {
    pub(crate) fn new(account: AccountEgress) -> Self {
        Self { account }
    }

    pub(crate) fn account_info(&self, mut info: AccountInfo) -> Result<AccountInfo, String> {
        self.text(&mut info.name);
        self.pairs("facts of the account", &mut info.facts)?;
        Ok(info)
    }

    pub(crate) fn prepared(&self, prepared: Vec<u8>) -> Result<Vec<u8>, String> {
        at_most("prepared bytes", prepared.len(), MAX_PREPARED_BYTES)?;
        Ok(prepared)
    }

    pub(crate) fn batch(&self, writes: &[ContactWrite], mut answer: BatchAnswer) -> Result<BatchAnswer, String> {
        let mut open = Open::new(writes.iter().map(|write| write.key));
        for item in &mut answer.items {
            open.close(&item.key, || format!("the key {}", item.key))?;
            self.item(item)?;
        }
        self.stopped(answer.stopped.as_mut());
        Ok(answer)
    }

    pub(crate) fn tags(&self, changes: &[TagChange], mut answer: TagsAnswer) -> Result<TagsAnswer, String> {
        let mut open = Open::new(changes.iter().flat_map(|change| {
            let tags = change.add.iter().chain(&change.remove);
            tags.map(|tag| (change.key, tag.clone()))
        }));
        for item in &mut answer.items {
            let pair = (item.key, std::mem::take(&mut item.tag));
            open.close(&pair, || format!("one of the tags of the key {}", pair.0))?;
            item.tag = pair.1;
            match &mut item.outcome {
                TagOutcome::Applied | TagOutcome::Already => {}
                TagOutcome::Refused(reason) | TagOutcome::Failed(reason) => self.text(reason),
            }
            self.status(&mut item.status);
        }
        at_most("warnings", answer.warnings.len(), MAX_WARNINGS)?;
        for warning in &mut answer.warnings {
            self.text(warning);
        }
        self.stopped(answer.stopped.as_mut());
        Ok(answer)
    }

    pub(crate) fn acts(&self, members: &[Member], mut answer: ActAnswer) -> Result<ActAnswer, String> {
        let mut open = Open::new(members.iter().map(|member| member.key));
        for item in &mut answer.items {
            open.close(&item.key, || format!("the key {}", item.key))?;
            match &mut item.outcome {
                ActOutcome::Done | ActOutcome::Already | ActOutcome::Absent => {}
                ActOutcome::Refused(reason) | ActOutcome::Failed(reason) => self.text(reason),
            }
            self.status(&mut item.status);
        }
        self.stopped(answer.stopped.as_mut());
        Ok(answer)
    }

    pub(crate) fn audiences(&self, mut audiences: Vec<Audience>) -> Result<Vec<Audience>, String> {
        at_most("audiences", audiences.len(), MAX_LISTED)?;
        once("audience", audiences.iter().map(|audience| &audience.id))?;
        for audience in &mut audiences {
            id("The id of an audience", &audience.id)?;
            self.text(&mut audience.name);
            self.extras(&mut audience.extras)?;
        }
        Ok(audiences)
    }

    pub(crate) fn fields(&self, mut fields: Vec<RemoteField>) -> Result<Vec<RemoteField>, String> {
        at_most("fields", fields.len(), MAX_LISTED)?;
        once("field", fields.iter().map(|field| &field.name))?;
        for field in &mut fields {
            id("The name of a field", &field.name)?;
            id("The kind of a field", &field.kind)?;
            self.text(&mut field.label);
            at_most("choices of a field", field.choices.len(), MAX_CHOICES)?;
            for choice in &field.choices {
                choice_of_a_field(choice)?;
            }
            self.extras(&mut field.extras)?;
        }
        Ok(fields)
    }

    pub(crate) fn templates(&self, mut templates: Vec<Template>) -> Result<Vec<Template>, String> {
        at_most("templates", templates.len(), MAX_LISTED)?;
        once("template", templates.iter().map(|template| &template.id))?;
        for template in &mut templates {
            id("The id of a template", &template.id)?;
            self.text(&mut template.name);
            self.extras(&mut template.extras)?;
        }
        Ok(templates)
    }

    pub(crate) fn sent(&self, send: &TemplateSend, mut answer: TemplateAnswer) -> Result<TemplateAnswer, String> {
        let mut open = Open::new(send.recipients.iter().map(|recipient| recipient.key));
        for item in &mut answer.items {
            open.close(&item.key, || format!("the key {}", item.key))?;
            match &mut item.outcome {
                TemplateOutcome::Accepted(None) => {}
                TemplateOutcome::Accepted(Some(message)) => id("The id of a message", message)?,
                TemplateOutcome::Refused(reason)
                | TemplateOutcome::NotDone(reason)
                | TemplateOutcome::Unclear(reason) => self.text(reason),
            }
        }
        self.stopped(answer.stopped.as_mut());
        Ok(answer)
    }

    pub(crate) fn finding(&self, finding: Finding) -> Result<Finding, String> {
        match &finding {
            Finding::Shown(Some(message)) => id("The id of a message", message)?,
            Finding::NotShown(Some(seconds)) if !SHOWN_AFTER_S.contains(seconds) => {
                return Err(format!(
                    "It says that everything is shown after {seconds} s; that is {} to {}, or none.",
                    SHOWN_AFTER_S.start(),
                    SHOWN_AFTER_S.end()
                ));
            }
            Finding::Shown(None) | Finding::NotShown(_) => {}
        }
        Ok(finding)
    }

    /// Makes an error fit to be shown. No error is refused: it is what the operator needs.
    pub(crate) fn error(&self, error: &mut ProviderError) {
        let detail = error.detail_mut();
        self.text(&mut detail.code);
        self.text(&mut detail.message);
    }

    fn item(&self, item: &mut ItemResult) -> Result<(), String> {
        match &mut item.outcome {
            ItemOutcome::Created | ItemOutcome::Updated | ItemOutcome::Unchanged | ItemOutcome::Written => {}
            ItemOutcome::Accepted(token) => id("A token", token)?,
            ItemOutcome::Skipped(text) | ItemOutcome::Other(text) => self.text(text),
            ItemOutcome::Rejected(rejection) => {
                if let RejectionClass::Other(word) = &mut rejection.class {
                    self.text(word);
                }
                if let Some(field) = &mut rejection.field {
                    self.text(field);
                }
                self.text(&mut rejection.message);
            }
            ItemOutcome::ConsentBlocked(block) => self.text(&mut block.message),
        }
        if let Some(remote_id) = &item.remote_id {
            id("A member's id", remote_id)?;
        }
        self.status(&mut item.status);
        at_most("left-out fields", item.left_out.len(), MAX_REMARKS)?;
        for field in &mut item.left_out {
            self.text(&mut field.field);
            self.text(&mut field.reason);
        }
        at_most("warnings", item.warnings.len(), MAX_REMARKS)?;
        for warning in &mut item.warnings {
            self.text(warning);
        }
        self.extras(&mut item.extras)
    }

    fn stopped(&self, stopped: Option<&mut ProviderError>) {
        if let Some(error) = stopped {
            self.error(error);
        }
    }

    fn status(&self, status: &mut Option<RemoteStatus>) {
        if let Some(RemoteStatus::Other(word)) = status {
            self.text(word);
        }
    }

    fn extras(&self, extras: &mut Extras) -> Result<(), String> {
        self.pairs("extras", extras)
    }

    fn pairs(&self, what: &str, pairs: &mut [(String, String)]) -> Result<(), String> {
        at_most(what, pairs.len(), MAX_REMARKS)?;
        for (name, value) in pairs {
            self.text(name);
            self.text(value);
        }
        Ok(())
    }

    /// Takes secrets and control characters out of a text and cuts it.
    fn text(&self, text: &mut String) {
        if text.is_empty() {
            return;
        }
        // What will be cut off need not be searched, but a secret may straddle the cut.
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES * 2));
        *text = self.account.redact_text(text);
        clean(text, MAX_TEXT_BYTES);
    }
}

/// What an answer may speak of, each once; true for what it has spoken of.
struct Open<K>(HashMap<K, bool>);

impl<K: Eq + Hash> Open<K> {
    fn new(given: impl Iterator<Item = K>) -> Self {
        Self(given.map(|key| (key, false)).collect())
    }

    fn close(&mut self, key: &K, shown: impl Fn() -> String) -> Result<(), String> {
        match self.0.get_mut(key) {
            Some(answered @ false) => {
                *answered = true;
                Ok(())
            }
            Some(true) => Err(format!("It answered twice for {}.", shown())),
            None => Err(format!("It answered for {}, which it was not given.", shown())),
        }
    }
}

fn id(what: &str, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("{what} is empty."));
    }
    if value.len() > MAX_ID_BYTES {
        return Err(format!("{what} is longer than {MAX_ID_BYTES} bytes."));
    }
    if value.chars().any(is_invisible) {
        return Err(format!("{what} holds a control character."));
    }
    Ok(())
}

/// A choice is written back as it is, like an id, so it is not cut or cleaned. It is a text of
/// people's all the same and may hold the marks of right-to-left writing.
fn choice_of_a_field(choice: &str) -> Result<(), String> {
    if choice.len() > MAX_TEXT_BYTES {
        return Err(format!("A choice of a field is longer than {MAX_TEXT_BYTES} bytes."));
    }
    if choice.chars().any(|c| is_invisible(c) && !is_direction_mark(c)) {
        return Err("A choice of a field holds a control character.".to_owned());
    }
    Ok(())
}

fn once<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("It lists one {what} twice."));
        }
    }
    Ok(())
}

fn at_most(what: &str, found: usize, most: usize) -> Result<(), String> {
    if found > most {
        return Err(format!("Its answer has {found} {what}; at most {most} are taken."));
    }
    Ok(())
}
