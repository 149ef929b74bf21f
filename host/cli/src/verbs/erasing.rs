//! `postroom contact erase` and `postroom contact erasures`.

use postroom_service::erasures::ErasuresTold;
use postroom_store::contacts::ContactDetail;
use postroom_store::erasure::{Erasure, ErasureAt, ErasureState};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::prompt::confirm;
use crate::room::Context;
use crate::shell;
use crate::table::{self, moment};

/// Erases a person, after a yes.
pub(crate) async fn erase(context: &Context, who: &str, yes: bool) -> Result<Exit> {
    let service = context.reaching("contact erase").await?;
    if !yes {
        let detail = service.contact(who).await?;
        context.output.remark(&what_goes(&detail));
        if !confirm("Erase this person for good?", &context.output)? {
            return Err(Failure::needs_yes("nothing was erased: it can't be taken back, so somebody must say yes")
                .with_mend(shell::line(["postroom", "contact", "erase", who, "--yes"])));
        }
    }
    let erasure = service.erase_contact(who).await?;
    context.output.answer(&erasure, |erasure| {
        format!("Erased. The address is not taken again.\n{}", page(std::slice::from_ref(erasure)))
    })?;
    Ok(ending(&[erasure]))
}

/// Lists erasures, and tells providers again what they owe if that is wanted.
pub(crate) async fn list(context: &Context, retry: bool, limit: u32) -> Result<Exit> {
    if !retry {
        context.output.answer(&context.reading()?.erasures(limit).await?, |erasures| page(erasures))?;
        return Ok(Exit::Done);
    }
    let service = context.reaching("contact erasures").await?;
    let told = service.tell_providers(None).await?;
    for reason in &told.reasons {
        context.output.remark(&table::visible(reason));
    }
    let ErasuresTold { told, owed, .. } = told;
    let erasures = service.erasures(limit).await?;
    context.output.answer(&erasures, |erasures| format!("Told {told}, still owed {owed}.\n{}", page(erasures)))?;
    Ok(ending(&erasures))
}

/// What an erasure means for a contact, in words.
fn what_goes(detail: &ContactDetail) -> String {
    let at: Vec<String> = detail.members.iter().map(|at| format!("{} ({})", at.audience, at.account)).collect();
    let named = |what: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!(" {what} {}.", names.join(", ")),
    };
    table::visible(&format!(
        "{} is forgotten: fields, tags, the history of its consent, and every row that it was imported from.{}{}",
        detail.contact.email,
        named("It leaves", &detail.lists),
        named("It is erased at", &at),
    ))
}

/// Done when nobody owes anything.
fn ending(erasures: &[Erasure]) -> Exit {
    let is_owed = |erasure: &Erasure| erasure.audiences.iter().any(|at| at.state == ErasureState::Owed);
    if erasures.iter().any(is_owed) { Exit::FailedContacts } else { Exit::Done }
}

fn page(erasures: &[Erasure]) -> String {
    table::table(
        ["erasure", "contact", "erased here", "account", "audience", "there", "since", "why not"],
        erasures.iter().flat_map(|erasure| {
            let row = |there: [String; 5]| {
                let [account, audience, state, since, reason] = there;
                let (id, contact) = (format!("#{}", erasure.id), format!("#{}", erasure.contact.0));
                [id, contact, moment(erasure.at), account, audience, state, since, reason]
            };
            let mut rows: Vec<[String; 8]> = erasure.audiences.iter().map(|at| row(there(at))).collect();
            if rows.is_empty() {
                rows.push(row(["", "", "nowhere else", "", ""].map(str::to_owned)));
            }
            rows
        }),
    )
}

fn there(at: &ErasureAt) -> [String; 5] {
    let state = match at.state {
        ErasureState::Owed => "owed",
        ErasureState::Erased => "erased",
        ErasureState::Absent => "not there",
    };
    let since = at.answered_at.map(moment).unwrap_or_default();
    [at.account.clone(), at.audience.clone(), state.to_owned(), since, at.reason.clone().unwrap_or_default()]
}
