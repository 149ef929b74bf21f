//! `postroom account`: a plugin plus settings and credentials.

use std::collections::BTreeMap;

use clap::Subcommand;
use postroom_service::accounts::{AccountChecked, AddAccount, EditAccount, ListedAccount};
use postroom_service::intents::AccountResumed;
use postroom_service::plugins::BUNDLED;
use postroom_store::accounts::{Account, PluginSource};

use super::{holding, intent};
use crate::exit::Exit;
use crate::failure::Result;
use crate::prompt::SecretArgs;
use crate::room::Context;
use crate::table::{self, facts, moment};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the accounts
    List,
    /// Add an account, after the provider let it in
    Add(AddArgs),
    /// Change an account: replace a secret, for instance. Its syncs and what was confirmed stay
    Edit(EditArgs),
    /// Ask the provider whether an account works
    Check {
        /// The account's name
        name: String,
    },
    /// Show an account as it stands here, and what stops it. The provider is not asked
    Show {
        /// The account's name
        name: String,
    },
    /// Stop what the ledger of intents has for an account, opt-outs apart, until it is resumed
    Pause {
        /// The account's name
        name: String,
        /// Why: whoever looks at the account reads it
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Lift what stops an account: a pause, or its breaker
    Resume {
        /// The account's name
        name: String,
    },
    /// Remove an account with its secrets
    Remove {
        /// The account's name
        name: String,
    },
}

/// What an account is made of.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// Its name here
    name: String,
    /// The provider's plugin; `postroom plugin list` shows which there are
    #[arg(long, value_name = "ID")]
    plugin: String,
    /// The way to authenticate, where the plugin has several
    #[arg(long, value_name = "METHOD")]
    auth: Option<String>,
    /// A setting of the account
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// A base URL in the place of an origin of the plugin, or the part of it that is yours to enter
    #[arg(long = "origin", value_name = "LABEL=URL", value_parser = pair)]
    origins: Vec<(String, String)>,
    /// Allow plain http, loopback and private addresses for --origin
    #[arg(long)]
    insecure_origin: bool,
    /// Its secrets.
    #[command(flatten)]
    secrets: SecretArgs,
    /// Save it without asking the provider
    #[arg(long)]
    no_check: bool,
}

/// What can be changed of an account.
#[derive(Debug, clap::Args)]
pub(crate) struct EditArgs {
    /// The account's name
    name: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// Say yes to giving the account's secrets to its plugin from this source from now on; `bundled` is what ships with
    /// the program
    #[arg(long, value_name = "SOURCE")]
    plugin_source: Option<String>,
    /// Another way to authenticate
    #[arg(long, value_name = "METHOD")]
    auth: Option<String>,
    /// A setting of the account
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// A setting to take away
    #[arg(long = "unset", value_name = "NAME")]
    unset: Vec<String>,
    /// A base URL in the place of an origin of the plugin
    #[arg(long = "origin", value_name = "LABEL=URL", value_parser = pair)]
    origins: Vec<(String, String)>,
    /// An origin to leave to the plugin again
    #[arg(long = "plugin-origin", value_name = "LABEL")]
    plugin_origins: Vec<String>,
    /// Whether plain http, loopback and private addresses are allowed for --origin
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    insecure_origin: Option<bool>,
    /// Its secrets.
    #[command(flatten)]
    secrets: SecretArgs,
    /// Save it without asking the provider
    #[arg(long)]
    no_check: bool,
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write the name, `=`, and the value".to_owned()),
    }
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.accounts().await?, |accounts| overview(accounts))?,
        Verb::Add(args) => output.answer(&add(args, context).await?, |answer| saved("Added", answer))?,
        Verb::Edit(args) => output.answer(&edit(args, context).await?, |answer| saved("Changed", answer))?,
        Verb::Check { name } => {
            output.answer(&context.reading()?.check_account(&name).await?, |answer| saved("Checked", answer))?;
        }
        Verb::Show { name } => output.answer(&context.reading()?.account(&name).await?, shown)?,
        Verb::Pause { name, why } => {
            let halted = context.writing("account pause")?.pause_account(&name, &why).await?;
            output.answer(&halted, |_| {
                format!(
                    "Paused the account {}: what the ledger has for it waits, opt-outs apart.",
                    table::visible(&name)
                )
            })?;
        }
        Verb::Resume { name } => {
            output.answer(&context.writing("account resume")?.resume_account(&name).await?, resumed)?;
        }
        Verb::Remove { name } => {
            context.writing("account remove")?.remove_account(&name).await?;
            output.answer(&serde_json::json!({ "removed": name }), |_| {
                format!("Removed the account {} with its secrets.", table::visible(&name))
            })?;
        }
    }
    Ok(Exit::Done)
}

async fn add(args: AddArgs, context: &Context) -> Result<AccountChecked> {
    // The store is taken first: nobody types a secret to learn then that another process holds it.
    let service = context.writing("account add")?;
    let form = service.account_form(&args.plugin, args.auth.as_deref()).await?;
    let request = AddAccount {
        secrets: args.secrets.collect(Some(&form), context)?,
        name: args.name,
        plugin: args.plugin,
        auth_method: args.auth,
        settings: args.settings.into_iter().collect(),
        origins: args.origins.into_iter().collect(),
        insecure_origin: args.insecure_origin,
        check: !args.no_check,
    };
    Ok(service.add_account(request).await?)
}

async fn edit(args: EditArgs, context: &Context) -> Result<AccountChecked> {
    let service = context.writing("account edit")?;
    let request = EditAccount {
        secrets: args.secrets.collect(None, context)?,
        name: args.name,
        rename: args.rename,
        plugin_source: args.plugin_source.map(|source| match source.as_str() {
            BUNDLED => PluginSource::Bundled,
            _ => PluginSource::Installed(source),
        }),
        auth_method: args.auth,
        settings: changes(args.settings, args.unset),
        origins: changes(args.origins, args.plugin_origins),
        insecure_origin: args.insecure_origin,
        check: !args.no_check,
    };
    Ok(service.edit_account(request).await?)
}

fn changes(set: Vec<(String, String)>, unset: Vec<String>) -> BTreeMap<String, Option<String>> {
    let set = set.into_iter().map(|(name, value)| (name, Some(value)));
    unset.into_iter().map(|name| (name, None)).chain(set).collect()
}

fn overview(accounts: &[ListedAccount]) -> String {
    if accounts.is_empty() {
        return "There is no account yet: `postroom account add NAME --plugin ID` adds one.".to_owned();
    }
    let rows = accounts.iter().map(|listed| {
        let account = &listed.account;
        [
            account.name.clone(),
            plugin(account),
            account.remote_name.clone().unwrap_or_default(),
            account.slots.join(", "),
            remarks(listed).join("; "),
        ]
    });
    table::table(["account", "plugin", "called there", "secrets", "remark"], rows)
}

/// What there is to know before it is used.
fn remarks(listed: &ListedAccount) -> Vec<String> {
    let remarks = [
        (listed.stopped, "stopped: its plugin is another one now, `account check` says more"),
        (listed.account.insecure_origin, "insecure origin"),
    ];
    let remarks = remarks.iter().filter(|(is_so, _)| *is_so).map(|(_, remark)| (*remark).to_owned());
    remarks.chain(listed.halts.iter().map(holding::stopped)).collect()
}

fn shown(listed: &ListedAccount) -> String {
    let account = &listed.account;
    let mut rows = vec![
        ("account", account.name.clone()),
        ("plugin", plugin(account)),
        ("authentication", account.auth_method.clone()),
        ("called there", account.remote_name.clone().unwrap_or_default()),
        ("secrets", account.slots.join(", ")),
        ("made", moment(account.created_at)),
    ];
    rows.extend(account.settings.iter().chain(&account.origins).map(|(name, value)| (name.as_str(), value.clone())));
    rows.extend(remarks(listed).into_iter().map(|remark| ("remark", remark)));
    facts(rows)
}

fn resumed(answer: &AccountResumed) -> String {
    let name = table::visible(&answer.account);
    let mut text = if answer.lifted.is_empty() {
        format!("Nothing stopped the account {name} alone.\n")
    } else {
        format!("The account {name} goes on.\n")
    };
    text.push_str(&intent::stops(&answer.halts));
    text
}

/// The plugin, with where it comes from that has the account's secrets, if that is not this program.
fn plugin(account: &Account) -> String {
    match &account.plugin_source {
        PluginSource::Bundled => account.plugin.clone(),
        PluginSource::Installed(source) => format!("{} from {source}", account.plugin),
    }
}

fn saved(what: &str, answer: &AccountChecked) -> String {
    let account = &answer.account;
    let mut text = format!("{what} the account {}.\n\n", table::visible(&account.name));
    let mut rows = vec![("plugin", plugin(account)), ("authentication", account.auth_method.clone())];
    match &answer.info {
        Some(info) => {
            rows.push(("called there", info.name.clone()));
            rows.extend(info.facts.iter().map(|(label, value)| (label.as_str(), value.clone())));
        }
        None => rows.push(("checked", "no".to_owned())),
    }
    rows.extend(answer.reaches.iter().map(|(label, url)| (label.as_str(), url.clone())));
    rows.push(("secrets", account.slots.join(", ")));
    text.push_str(&facts(rows));
    text.extend(answer.warnings.iter().map(|warning| format!("\nNote: {}.\n", table::visible(warning))));
    text
}
