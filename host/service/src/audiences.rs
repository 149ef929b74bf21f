//! What lives at the provider: audiences and their fields (row B1).

use postroom_domain::mapping::RemoteField;
use postroom_runtime::Capability;
use serde::Serialize;

use crate::accounts::{OpenAccount, provider_error};
use crate::names::known;
use crate::{Result, Service, ServiceError};

/// An audience, as the provider shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteAudience {
    /// Its id there.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// How many members it has, if the provider says so.
    pub members: Option<u64>,
}

/// An audience with its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AudienceFields {
    /// The account's name.
    pub account: String,
    /// The audience.
    pub audience: RemoteAudience,
    /// Its fields, without the e-mail address.
    pub fields: Vec<RemoteField>,
}

impl Service {
    /// The audiences of an account. No record is synced by this (row B1).
    ///
    /// # Errors
    ///
    /// Not found; bad input when the plugin can't list them; the provider's refusal.
    pub async fn audiences(&self, account: &str) -> Result<Vec<RemoteAudience>> {
        let open = self.open_account(account).await?;
        list_audiences(&open).await
    }

    /// The fields of an audience, which is named by its id or its name.
    ///
    /// # Errors
    ///
    /// As [`audiences`](Self::audiences); not found for an audience that is not there, bad input
    /// for a name that two audiences bear.
    pub async fn audience_fields(&self, account: &str, audience: &str) -> Result<AudienceFields> {
        let open = self.open_account(account).await?;
        let audience = find_audience(&open, audience).await?;
        let fields = list_fields(&open, &audience.id).await?;
        Ok(AudienceFields { account: account.to_owned(), audience, fields })
    }
}

async fn list_audiences(open: &OpenAccount) -> Result<Vec<RemoteAudience>> {
    need(open, Capability::Audiences)?;
    let listed = open.connection.audiences().await;
    let listed = listed.map_err(|failure| provider_error(&open.account.name, &failure))?;
    Ok(listed
        .into_iter()
        .map(|audience| RemoteAudience { id: audience.id, name: audience.name, members: audience.members })
        .collect())
}

/// The audience that a person means by its id or its name.
pub(crate) async fn find_audience(open: &OpenAccount, wanted: &str) -> Result<RemoteAudience> {
    choose(&list_audiences(open).await?, wanted, &open.account.name)
}

fn choose(audiences: &[RemoteAudience], wanted: &str, account: &str) -> Result<RemoteAudience> {
    if let Some(found) = audiences.iter().find(|audience| audience.id == wanted) {
        return Ok(found.clone());
    }
    let named: Vec<&RemoteAudience> = audiences.iter().filter(|audience| audience.name == wanted).collect();
    match named.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(ServiceError::NotFound(format!(
            "the account `{account}` has no audience `{wanted}`; it has {}",
            known(audiences.iter().map(|audience| audience.name.as_str()))
        ))),
        several => Err(ServiceError::BadInput(format!(
            "several audiences are called `{wanted}`: name one by its id, {}",
            known(several.iter().map(|audience| audience.id.as_str()))
        ))),
    }
}

/// The fields of an audience, in the domain's words.
pub(crate) async fn list_fields(open: &OpenAccount, audience: &str) -> Result<Vec<RemoteField>> {
    need(open, Capability::Fields)?;
    let listed = open.connection.fields(audience).await;
    let listed = listed.map_err(|failure| provider_error(&open.account.name, &failure))?;
    Ok(listed
        .into_iter()
        .map(|field| RemoteField {
            name: field.name,
            label: field.label,
            kind: field.kind,
            required: field.required,
            choices: field.choices,
        })
        .collect())
}

fn need(open: &OpenAccount, capability: Capability) -> Result<()> {
    if open.plugin.has(capability) {
        return Ok(());
    }
    Err(ServiceError::BadInput(format!(
        "the plugin `{}` cannot list {capability}: ask its vendor for a version that can",
        open.account.plugin
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(id: &str, name: &str) -> RemoteAudience {
        RemoteAudience { id: id.into(), name: name.into(), members: None }
    }

    #[test]
    fn b1_an_audience_is_found_by_id_or_by_an_unmistakable_name() {
        let all = || vec![audience("a1", "Guests"), audience("a2", "News"), audience("a3", "News")];
        assert_eq!(choose(&all(), "a2", "main").unwrap().id, "a2");
        assert_eq!(choose(&all(), "Guests", "main").unwrap().id, "a1");
        assert!(choose(&all(), "News", "main").unwrap_err().to_string().contains("a2, a3"));
        assert!(choose(&all(), "Staff", "main").unwrap_err().to_string().contains("Guests, News, News"));
    }
}
