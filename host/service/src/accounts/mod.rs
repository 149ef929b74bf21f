//! Accounts: a plugin plus settings and credentials (row C1).
//!
//! An account is checked at the provider before it is saved, unless the operator says otherwise. A
//! secret goes in and never comes out again: answers name the slots that hold one.

mod opened;
mod opening;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use postroom_delivery::{Connection, Failure};
use postroom_runtime::Plugin;
use postroom_runtime::contract::{AccountInfo, AuthMethod, Setting};
use postroom_store::accounts::{Account, AccountDraft, OriginPause, PluginSource, Secret};
use postroom_store::intents::Halted;
use serde::Serialize;

use crate::intents::concerns;
use crate::plugins::Found;
use crate::{Result, Service, ServiceError, names};
pub(crate) use opened::OpenedAccounts;
use opening::{Values, auth_method, open};

/// An account to be made.
#[derive(Debug, Clone, Default)]
pub struct AddAccount {
    /// Its name.
    pub name: String,
    /// The plugin's id.
    pub plugin: String,
    /// The authentication method; none for the plugin's usual one.
    pub auth_method: Option<String>,
    /// Settings that are not secret.
    pub settings: BTreeMap<String, String>,
    /// Base URLs in the place of origins, or what a template leaves open, by label.
    pub origins: BTreeMap<String, String>,
    /// Whether plain http, loopback and private addresses are allowed for those.
    pub insecure_origin: bool,
    /// Secrets by slot.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether the provider is asked before the account is saved.
    pub check: bool,
}

/// Changes to an account. Its syncs, mappings and confirmed state stay (row C1).
#[derive(Debug, Clone, Default)]
pub struct EditAccount {
    /// Which.
    pub name: String,
    /// Its new name.
    pub rename: Option<String>,
    /// Where its plugin now comes from: a yes to give its secrets to that one from now on.
    pub plugin_source: Option<PluginSource>,
    /// Another authentication method: secrets that it does not take are left behind.
    pub auth_method: Option<String>,
    /// Settings to set, or with none to take away.
    pub settings: BTreeMap<String, Option<String>>,
    /// Origins to override, or with none to leave to the plugin.
    pub origins: BTreeMap<String, Option<String>>,
    /// Whether insecure origins are allowed.
    pub insecure_origin: Option<bool>,
    /// Secrets to replace.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether the provider is asked before the account is saved.
    pub check: bool,
}

/// An account and what the provider says of it.
#[derive(Debug, Clone, Serialize)]
pub struct AccountChecked {
    /// The account.
    pub account: Account,
    /// What the provider says; none when it was not asked.
    pub info: Option<AccountInfo>,
    /// Where its requests go, by label.
    pub reaches: BTreeMap<String, String>,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// What an account of a plugin takes: for a face that asks for it.
#[derive(Debug, Clone, Serialize)]
pub struct AccountForm {
    /// The plugin's id.
    pub plugin: String,
    /// The method.
    pub auth_method: AuthMethod,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// An account, ready to be called. Clones share the way out with its limits.
#[derive(Clone)]
pub(crate) struct OpenAccount {
    pub(crate) account: Account,
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) connection: Connection,
}

/// An account in a list of accounts.
#[derive(Debug, Clone, Serialize)]
pub struct ListedAccount {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// Whether its plugin is another one than it gave its secrets to: then nothing goes through it.
    pub stopped: bool,
    /// What stops its intents, opt-outs apart, with why and since when: of all accounts, and of this one.
    pub halts: Vec<Halted>,
}

impl Service {
    /// What an account of this plugin takes, by the named method or the usual one.
    ///
    /// # Errors
    ///
    /// Not found; bad input for a method that the plugin does not have.
    pub async fn account_form(&self, plugin: &str, method: Option<&str>) -> Result<AccountForm> {
        let plugin = self.shelf.find(self.store(), plugin).await?.plugin;
        let description = plugin.description();
        let method = chosen_method(&plugin, method)?;
        Ok(AccountForm {
            plugin: description.id.clone(),
            auth_method: auth_method(&description.auth_methods, &method)?.clone(),
            settings: description.settings.clone(),
        })
    }

    /// All accounts, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn accounts(&self) -> Result<Vec<ListedAccount>> {
        let installed = self.store().plugins().await?;
        let is_in_use = |account: &Account| match installed.iter().find(|plugin| plugin.id == account.plugin) {
            Some(plugin) => account.plugin_source == PluginSource::Installed(plugin.source.clone()),
            None => account.plugin_source == PluginSource::Bundled && self.shelf.ships(&account.plugin),
        };
        let halts = self.store().halts().await?;
        let accounts = self.store().accounts().await?.into_iter();
        let listed = accounts.map(|account| ListedAccount {
            stopped: !is_in_use(&account),
            halts: halts.iter().filter(|halted| concerns(halted, account.id)).cloned().collect(),
            account,
        });
        Ok(listed.collect())
    }

    /// One account as it stands here. Its provider is not asked.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn account(&self, name: &str) -> Result<ListedAccount> {
        let id = self.store().account(name).await?.id;
        let found = self.accounts().await?.into_iter().find(|listed| listed.account.id == id);
        found.ok_or_else(|| ServiceError::NotFound(format!("there is no account `{name}`: it was just removed")))
    }

    /// Makes an account, after the provider let it in.
    ///
    /// # Errors
    ///
    /// Bad input with everything that does not fit the plugin, not found for the plugin, a conflict
    /// for a taken name, and the provider's refusal.
    pub async fn add_account(&self, request: AddAccount) -> Result<AccountChecked> {
        let name = names::checked("an account", &request.name)?.to_owned();
        let Found { plugin, source, .. } = self.shelf.find(self.store(), &request.plugin).await?;
        let mut draft = AccountDraft {
            plugin_source: source,
            auth_method: chosen_method(&plugin, request.auth_method.as_deref())?,
            name,
            plugin: request.plugin,
            settings: request.settings,
            origins: request.origins,
            insecure_origin: request.insecure_origin,
            remote_name: None,
            secrets: request.secrets,
        };
        if self.store().accounts().await?.iter().any(|account| account.name == draft.name) {
            let name = draft.name;
            return Err(postroom_store::StoreError::Taken { kind: "account", name }.into());
        }
        let (info, reaches) = self.try_out(&plugin, &draft, &draft.secrets, request.check).await?;
        draft.remote_name = info.as_ref().map(|info| info.name.clone());
        let account = self.store().add_account(&draft, self.now()).await?;
        Ok(AccountChecked { warnings: insecure_warning(&account), account, info, reaches })
    }

    /// Changes an account, after the provider let it in.
    ///
    /// # Errors
    ///
    /// As [`add_account`](Self::add_account).
    pub async fn edit_account(&self, request: EditAccount) -> Result<AccountChecked> {
        let before = self.store().account(&request.name).await?;
        let name = names::checked("an account", request.rename.as_deref().unwrap_or(&before.name))?.to_owned();
        let found = self.shelf.find(self.store(), &before.plugin).await?;
        let plugin_source = match request.plugin_source {
            Some(trusted) if trusted == found.source => trusted,
            Some(trusted) => {
                return Err(ServiceError::BadInput(format!(
                    "the plugin `{}` comes from {}, not from {trusted}: name the source that it comes from",
                    before.plugin, found.source
                )));
            }
            None => {
                check_source(&before, &found)?;
                found.source
            }
        };
        let plugin = found.plugin;
        let method = request.auth_method.unwrap_or_else(|| before.auth_method.clone());
        let mut settings = before.settings.clone();
        merge(&mut settings, request.settings);
        let mut origins = before.origins.clone();
        merge(&mut origins, request.origins);
        let mut secrets = self.store().account_secrets(&before.name).await?;
        secrets.extend(request.secrets.clone());
        if method != before.auth_method {
            let takes: BTreeSet<&str> = auth_method(&plugin.description().auth_methods, &method)?
                .slots
                .iter()
                .map(|slot| slot.name.as_str())
                .collect();
            secrets.retain(|slot, _| takes.contains(slot.as_str()));
        }
        let mut draft = AccountDraft {
            name,
            plugin: before.plugin.clone(),
            plugin_source,
            auth_method: method,
            settings,
            origins,
            insecure_origin: request.insecure_origin.unwrap_or(before.insecure_origin),
            remote_name: before.remote_name.clone(),
            secrets: request.secrets,
        };
        let (info, reaches) = self.try_out(&plugin, &draft, &secrets, request.check).await?;
        let mut warnings = Vec::new();
        if let Some(info) = &info {
            if let Some(known) = before.remote_name.as_ref().filter(|known| **known != info.name) {
                warnings.push(format!(
                    "the provider now calls this account `{}`; it was `{known}`. If that is another account there, \
                     make another one here as well: what was confirmed belongs to the old one",
                    info.name
                ));
            }
            draft.remote_name = Some(info.name.clone());
        }
        let account = self.store().edit_account(&before.name, &draft, self.now()).await?;
        warnings.extend(insecure_warning(&account));
        Ok(AccountChecked { account, info, reaches, warnings })
    }

    /// Asks the provider whether an account works.
    ///
    /// # Errors
    ///
    /// Not found, and the provider's refusal.
    pub async fn check_account(&self, name: &str) -> Result<AccountChecked> {
        let open = self.open_account(name).await?;
        let info = open.connection.check().await.map_err(|failure| provider_error(name, &failure))?;
        let reaches = self.reaches(&open.account, &open.plugin).await?;
        Ok(AccountChecked {
            warnings: insecure_warning(&open.account),
            account: open.account,
            info: Some(info),
            reaches,
        })
    }

    /// Removes an account with its secrets.
    ///
    /// # Errors
    ///
    /// Not found; a conflict that names its syncs.
    pub async fn remove_account(&self, name: &str) -> Result<()> {
        let account = self.store().account(name).await?;
        self.store().remove_account(name).await?;
        self.opened.forget(account.id);
        Ok(())
    }

    /// Opens a saved account, if its plugin still comes from where it came from when it was given
    /// the account's secrets.
    pub(crate) async fn open_account(&self, name: &str) -> Result<OpenAccount> {
        let account = self.store().account(name).await?;
        let installed = self.store().plugins().await?.into_iter().find(|plugin| plugin.id == account.plugin);
        if let Some(open) = self.opened.still(&account, installed.as_ref()) {
            return Ok(open);
        }
        let found = self.shelf.find(self.store(), &account.plugin).await?;
        check_source(&account, &found)?;
        let plugin = found.plugin;
        let secrets = self.store().account_secrets(name).await?;
        let opened = open(&plugin, &values(&account, &secrets), &self.transport)?;
        let clock = Arc::clone(&self.clock);
        let connection = Connection::new(plugin.as_ref().clone(), opened.egress, opened.settings, clock);
        let open = OpenAccount { account, plugin, connection };
        for pause in self.store().pauses(open.account.id).await? {
            // A pause that is over, by the clock of now, has no length.
            if let Ok(left) = Duration::try_from(pause.until.duration_since(self.now())) {
                open.connection.pause(&pause.origin, left);
            }
        }
        self.opened.keep(&open, installed);
        Ok(open)
    }

    /// Keeps the pauses that the provider has asked for, so that the next process keeps to them too.
    pub(crate) async fn keep_pauses(&self, open: &OpenAccount) -> Result<()> {
        let now = self.now();
        let until = |(origin, left): (String, Duration)| {
            let until = now.checked_add(left).ok()?;
            Some(OriginPause { origin, until })
        };
        let pauses: Vec<OriginPause> = open.connection.pauses().into_iter().filter_map(until).collect();
        // Most runs are asked for none, and write nothing.
        if !pauses.is_empty() {
            self.store().keep_pauses(open.account.id, &pauses).await?;
        }
        Ok(())
    }

    async fn reaches(&self, account: &Account, plugin: &Plugin) -> Result<BTreeMap<String, String>> {
        let secrets = self.store().account_secrets(&account.name).await?;
        Ok(reached(&open(plugin, &values(account, &secrets), &self.transport)?))
    }

    /// Opens an account that is not saved yet, and asks the provider if it is to be asked.
    async fn try_out(
        &self,
        plugin: &Plugin,
        draft: &AccountDraft,
        secrets: &BTreeMap<String, Secret>,
        check: bool,
    ) -> Result<(Option<AccountInfo>, BTreeMap<String, String>)> {
        let values = Values {
            account: &draft.name,
            auth_method: &draft.auth_method,
            settings: &draft.settings,
            origins: &draft.origins,
            insecure_origin: draft.insecure_origin,
            secrets,
        };
        let opened = open(plugin, &values, &self.transport)?;
        let reaches = reached(&opened);
        if !check {
            return Ok((None, reaches));
        }
        let connection = Connection::new(plugin.clone(), opened.egress, opened.settings, Arc::clone(&self.clock));
        let info = connection.check().await.map_err(|failure| provider_error(&draft.name, &failure))?;
        Ok((Some(info), reaches))
    }
}

/// Refuses to hand an account's secrets to a plugin from elsewhere than the one that has its trust.
fn check_source(account: &Account, found: &Found) -> Result<()> {
    if account.plugin_source == found.source {
        return Ok(());
    }
    Err(ServiceError::PluginFromElsewhere {
        account: account.name.clone(),
        plugin: account.plugin.clone(),
        had: account.plugin_source.clone(),
        now: found.source.clone(),
    })
}

/// A failed call, as a failure of the account.
pub(crate) fn provider_error(account: &str, failure: &Failure) -> ServiceError {
    ServiceError::Provider { account: account.to_owned(), message: failure.reason().message.clone() }
}

fn values<'a>(account: &'a Account, secrets: &'a BTreeMap<String, Secret>) -> Values<'a> {
    Values {
        account: &account.name,
        auth_method: &account.auth_method,
        settings: &account.settings,
        origins: &account.origins,
        insecure_origin: account.insecure_origin,
        secrets,
    }
}

fn reached(opened: &opening::Opened) -> BTreeMap<String, String> {
    let origins = opened.egress.resolved_origins().iter();
    origins.map(|origin| (origin.label().to_owned(), origin.base_url().to_owned())).collect()
}

fn chosen_method(plugin: &Plugin, wanted: Option<&str>) -> Result<String> {
    let methods = &plugin.description().auth_methods;
    match wanted {
        Some(name) => Ok(auth_method(methods, name)?.name.clone()),
        None => methods.first().map(|method| method.name.clone()).ok_or_else(|| {
            ServiceError::BadInput(format!("the plugin `{}` has no way to authenticate", plugin.description().id))
        }),
    }
}

fn insecure_warning(account: &Account) -> Vec<String> {
    if !account.insecure_origin {
        return Vec::new();
    }
    vec![format!(
        "the account `{}` may reach plain http, loopback and private addresses: credentials and contacts may travel \
         in the clear",
        account.name
    )]
}

fn merge(values: &mut BTreeMap<String, String>, changes: BTreeMap<String, Option<String>>) {
    for (name, change) in changes {
        match change {
            Some(value) => {
                values.insert(name, value);
            }
            None => {
                values.remove(&name);
            }
        }
    }
}
