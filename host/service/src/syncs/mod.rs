//! Syncs: a list or a segment tied to an audience by a mapping that fits both sides (row A2).

mod suggestion;

use postroom_domain::breaker::DEFAULT_SHARE_PERCENT;
use postroom_domain::decision::Newcomers;
use postroom_domain::mapping::{CompositeKind, Mapping, Pair, RemoteField};
use postroom_domain::purpose::PurposeName;
use postroom_runtime::{Capability, Plugin};
use postroom_store::StoreError;
use postroom_store::syncs::{Sync, SyncDraft};
use serde::Serialize;

use crate::accounts::OpenAccount;
use crate::audiences::{find_audience, list_fields};
use crate::{Result, Service, ServiceError, names};

/// Whom a sync takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncSource {
    /// The entries of the list of this name.
    List(String),
    /// The members of the segment of this name, saved or predefined (row D7), as they are at each run.
    Segment(String),
}

/// A sync to be made.
#[derive(Debug, Clone)]
pub struct AddSync {
    /// Its name.
    pub name: String,
    /// Whom it takes.
    pub source: SyncSource,
    /// The account's name.
    pub account: String,
    /// The audience's id or name.
    pub audience: String,
    /// Pairs as people write them, `firstname=FNAME`; none asks for a suggestion.
    pub map: Option<Vec<String>>,
    /// What becomes of contacts without a grant that the audience does not know.
    pub newcomers: Newcomers,
    /// The tag; none for the name of the list or the segment.
    pub tag: Option<String>,
    /// What its contacts are written to for; none leaves their consent as it is.
    pub purpose: Option<PurposeName>,
    /// The share, in percent, past which a plan asks; none for a tenth.
    pub breaker_percent: Option<u8>,
}

/// Changes to a sync. Its list and its audience stay.
#[derive(Debug, Clone, Default)]
pub struct EditSync {
    /// Which.
    pub name: String,
    /// Its new name.
    pub rename: Option<String>,
    /// The whole mapping anew.
    pub map: Option<Vec<String>>,
    /// Another policy for newcomers.
    pub newcomers: Option<Newcomers>,
    /// Another tag.
    pub tag: Option<TagChoice>,
    /// Another purpose.
    pub purpose: Option<PurposeChoice>,
    /// Another share.
    pub breaker_percent: Option<u8>,
}

/// Which tag a sync puts on its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChoice {
    /// The name of the list or the segment.
    ListName,
    /// This one.
    Own(String),
}

/// What a sync's contacts are written to for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PurposeChoice {
    /// Nothing that is stated.
    None,
    /// This purpose.
    For(PurposeName),
}

/// A sync that was saved.
#[derive(Debug, Clone, Serialize)]
pub struct SyncSaved {
    /// The sync.
    pub sync: Sync,
    /// Whether its mapping was suggested rather than written.
    pub suggested: bool,
    /// Fields of the audience that nothing fills.
    pub unfilled: Vec<String>,
}

impl Service {
    /// All syncs, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn syncs(&self) -> Result<Vec<Sync>> {
        Ok(self.store().syncs().await?)
    }

    /// One sync.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn sync(&self, name: &str) -> Result<Sync> {
        Ok(self.store().sync(name).await?)
    }

    /// Makes a sync. Its mapping is checked against the fields of the workspace and of the audience.
    ///
    /// # Errors
    ///
    /// Every fault of the mapping at once; not found for the list, the segment, the purpose, the account or the audience; a
    /// conflict with another sync into the same audience; the provider's refusal.
    pub async fn add_sync(&self, request: AddSync) -> Result<SyncSaved> {
        let name = names::checked("a sync", &request.name)?.to_owned();
        let list = self.source(request.source).await?;
        let open = self.open_account(&request.account).await?;
        let audience = find_audience(&open, &request.audience).await?;
        let remote = list_fields(&open, &audience.id).await?;
        let mapped = self.mapping(&name, request.map.as_deref(), &open.plugin, &remote).await?;
        let wanted = request.tag.map_or(TagChoice::ListName, TagChoice::Own);
        let (tag, tag_is_own) = tag(&open, &list, wanted)?;
        let draft = SyncDraft {
            name,
            list,
            account: request.account,
            audience_remote_id: audience.id,
            audience_name: audience.name,
            pairs: mapped.pairs,
            mapping: mapped.mapping,
            newcomers: request.newcomers,
            tag,
            tag_is_own,
            purpose: request.purpose,
            breaker_percent: percent(request.breaker_percent)?.unwrap_or(DEFAULT_SHARE_PERCENT),
        };
        let sync = self.store().add_sync(&draft, self.now()).await?;
        Ok(SyncSaved { unfilled: unfilled(&sync.mapping, &remote), sync, suggested: mapped.suggested })
    }

    /// Changes a sync. A run uses what was saved when it started.
    ///
    /// # Errors
    ///
    /// As [`add_sync`](Self::add_sync).
    pub async fn edit_sync(&self, request: EditSync) -> Result<SyncSaved> {
        let before = self.store().sync(&request.name).await?;
        let name = names::checked("a sync", request.rename.as_deref().unwrap_or(&before.name))?.to_owned();
        let open = self.open_account(&before.audience.account).await?;
        let remote = list_fields(&open, &before.audience.remote_id).await?;
        // The saved mapping is checked anew as well: a field may have gone at the provider since.
        let pairs = match request.map {
            Some(map) => map,
            None => before.pairs.iter().map(ToString::to_string).collect(),
        };
        let mapped = self.mapping(&name, Some(&pairs), &open.plugin, &remote).await?;
        let (tag, tag_is_own) = match request.tag {
            Some(wanted) => tag(&open, &before.list, wanted)?,
            None => (before.tag, before.tag_is_own),
        };
        let purpose = match request.purpose {
            Some(PurposeChoice::None) => None,
            Some(PurposeChoice::For(name)) => Some(name),
            None => before.purpose.map(|purpose| purpose.name),
        };
        let draft = SyncDraft {
            name,
            list: before.list,
            account: before.audience.account,
            audience_remote_id: before.audience.remote_id,
            audience_name: before.audience.name,
            pairs: mapped.pairs,
            mapping: mapped.mapping,
            newcomers: request.newcomers.unwrap_or(before.newcomers),
            tag,
            tag_is_own,
            purpose,
            breaker_percent: percent(request.breaker_percent)?.unwrap_or(before.breaker_percent),
        };
        let sync = self.store().edit_sync(&before.name, &draft, self.now()).await?;
        Ok(SyncSaved { unfilled: unfilled(&sync.mapping, &remote), sync, suggested: false })
    }

    /// Removes a sync with its memory and its runs. What it put at the provider stays there.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn remove_sync(&self, name: &str) -> Result<()> {
        Ok(self.store().remove_sync(name).await?)
    }

    /// The name of what a sync is to take. Lists and segments share one space of names, but for a list of an
    /// older store that bears the name of a predefined segment: neither is taken for the other.
    async fn source(&self, wanted: SyncSource) -> Result<String> {
        match wanted {
            SyncSource::List(name) => match self.store().list(&name).await {
                Err(StoreError::NotFound { .. }) if is_there(self.store().segment(&name).await)? => {
                    Err(ServiceError::BadInput(format!("`{name}` is a segment and no list: take it as a segment")))
                }
                answer => Ok(answer?.name),
            },
            SyncSource::Segment(name) => {
                let is_list = is_there(self.store().list(&name).await)?;
                match self.store().segment(&name).await {
                    Err(StoreError::NotFound { .. }) if is_list => {
                        Err(ServiceError::BadInput(format!("`{name}` is a list and no segment: take it as a list")))
                    }
                    Ok(_) if is_list => Err(ServiceError::Conflict(format!(
                        "`{name}` is a predefined segment, and a list has its name: give the list another name first"
                    ))),
                    answer => Ok(answer?.name),
                }
            }
        }
    }

    async fn mapping(
        &self,
        sync: &str,
        map: Option<&[String]>,
        plugin: &Plugin,
        remote: &[RemoteField],
    ) -> Result<Mapped> {
        let local = self.store().fields().await?;
        let composites = composites(plugin);
        let mut faults = Vec::new();
        let mut pairs: Vec<Pair> = Vec::new();
        match map {
            Some(texts) => {
                for text in texts {
                    match text.parse() {
                        Ok(pair) => pairs.push(pair),
                        Err(fault) => faults.push(fault),
                    }
                }
            }
            None => pairs = suggestion::suggest(&local, remote, &composites),
        }
        match Mapping::resolve(&pairs, &local, remote, &composites) {
            Ok(mapping) if faults.is_empty() => Ok(Mapped { pairs, mapping, suggested: map.is_none() }),
            Ok(_) => Err(ServiceError::Mapping { sync: sync.to_owned(), faults }),
            Err(more) => {
                faults.extend(more);
                Err(ServiceError::Mapping { sync: sync.to_owned(), faults })
            }
        }
    }
}

/// Whether the store has what was looked for.
fn is_there<T>(answer: postroom_store::Result<T>) -> Result<bool> {
    match answer {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A mapping that fits.
struct Mapped {
    pairs: Vec<Pair>,
    mapping: Mapping,
    suggested: bool,
}

fn composites(plugin: &Plugin) -> Vec<CompositeKind> {
    let declared = plugin.description().composite_fields.iter();
    declared
        .map(|field| CompositeKind {
            kind: field.kind.clone(),
            parts: field.parts.iter().map(|part| (part.name.clone(), part.required)).collect(),
        })
        .collect()
}

/// The tag that a sync puts on its members (row A7), and whether it was given.
fn tag(open: &OpenAccount, list: &str, wanted: TagChoice) -> Result<(Option<String>, bool)> {
    let has_tags = open.plugin.has(Capability::Tags);
    match wanted {
        TagChoice::ListName => Ok((has_tags.then(|| list.to_owned()), false)),
        TagChoice::Own(_) if !has_tags => {
            Err(ServiceError::BadInput(format!("the plugin `{}` has no tags: leave the tag out", open.account.plugin)))
        }
        TagChoice::Own(tag) => Ok((Some(names::checked("a tag", &tag)?.to_owned()), true)),
    }
}

fn unfilled(mapping: &Mapping, remote: &[RemoteField]) -> Vec<String> {
    let is_filled = |field: &&RemoteField| !mapping.targets.iter().any(|target| target.field == field.name);
    remote.iter().filter(is_filled).map(|field| field.name.clone()).collect()
}

fn percent(wanted: Option<u8>) -> Result<Option<u8>> {
    match wanted {
        Some(percent) if percent > 100 => {
            Err(ServiceError::BadInput(format!("{percent} is no share: use 0 to 100 percent")))
        }
        other => Ok(other),
    }
}
