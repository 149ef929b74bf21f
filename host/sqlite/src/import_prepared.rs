//! Rows of an import as far as they can be worked out before the writer's turn comes.

use postroom_domain::claim::ConsentClaim;
use postroom_domain::consent::Consent;
use postroom_domain::contact::{ContactId, EntryFault, FieldPatch, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::Fields;

use crate::failure::Step;
use crate::import_ahead;
use crate::list_rows::{EntryKey, entry_key, row_hash};

/// A row, with everything that follows from it alone.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) line: u64,
    pub(crate) address: Result<EmailAddress, EntryFault>,
    pub(crate) external_id: Option<String>,
    pub(crate) patch: FieldPatch,
    /// The hash of its cells.
    pub(crate) hash: EntryKey,
    /// The key of its entry, if it is its contact's first.
    pub(crate) first_key: EntryKey,
    /// Its cells, as an entry keeps them.
    pub(crate) raw_json: String,
    /// The fields of a contact that has nothing but what the row says, as they are stored.
    pub(crate) fields_json: String,
    /// What it says about consent.
    pub(crate) claim: Option<ConsentClaim>,
    /// The tags that it puts on.
    pub(crate) tags: Vec<String>,
}

/// A contact that was made before its row's turn, with the consent that it was made with.
pub(crate) type MadeAhead = (ContactId, Consent);

/// The rows of one call. The writer only reads them: to drop fifty thousand rows is work that others can do.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Prepared>,
    /// Those whose contacts may be made ahead.
    pub(crate) candidates: Vec<usize>,
}

impl Batch {
    /// Prepares rows.
    pub(crate) fn prepare(rows: Vec<ImportedRow>) -> Step<Self> {
        let rows: Vec<Prepared> = rows.into_iter().map(one).collect::<Step<_>>()?;
        let candidates = import_ahead::candidates(&rows);
        Ok(Self { rows, candidates })
    }
}

fn one(row: ImportedRow) -> Step<Prepared> {
    let mut fields = Fields::new();
    row.patch.apply(&mut fields);
    let hash = row_hash(&row.raw);
    Ok(Prepared {
        hash,
        first_key: entry_key(&hash, 1),
        raw_json: serde_json::to_string(&row.raw)?,
        fields_json: serde_json::to_string(&fields)?,
        line: row.line,
        address: row.address,
        external_id: row.external_id,
        patch: row.patch,
        claim: row.claim,
        tags: row.tags,
    })
}

impl Prepared {
    /// Whether it says anything beside its contact's fields.
    pub(crate) fn says_more(&self) -> bool {
        self.claim.is_some() || !self.tags.is_empty()
    }
}
