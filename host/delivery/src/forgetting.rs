//! Telling providers to erase members of people who were erased here.

use postroom_runtime::contract::{Act, ActOutcome, Member};
use postroom_store::erasure::{ErasureAnswer, ErasureDue};

use crate::patience::Patience;
use crate::provider::Provider;

/// Tells a provider to erase one member, and answers with what it said. Whatever is no clear yes leaves the
/// duty as it is: erasing a second time does no harm, forgetting to erase does.
pub async fn forget(provider: &dyn Provider, due: &ErasureDue) -> ErasureAnswer {
    if !provider.has_subscriptions() {
        return ErasureAnswer::Not("this plugin cannot erase members: do it at the provider".to_owned());
    }
    let key = due.id.unsigned_abs();
    let member = Member { key, address: due.address.clone(), remote_id: due.remote_id.clone() };
    let mut patience = Patience::default();
    loop {
        let failure = match provider.change(&due.audience, Act::Forget, std::slice::from_ref(&member)).await {
            Ok(answer) => match (answer.items.into_iter().find(|item| item.key == key), answer.stopped) {
                (Some(item), _) => return told(item.outcome),
                (None, Some(error)) => error.into(),
                (None, None) => return ErasureAnswer::Not("the plugin did not answer for this member".to_owned()),
            },
            Err(failure) => failure,
        };
        if let Err(failure) = patience.wait(failure).await {
            return ErasureAnswer::Not(failure.reason().message.clone());
        }
    }
}

fn told(outcome: ActOutcome) -> ErasureAnswer {
    match outcome {
        ActOutcome::Done | ActOutcome::Already => ErasureAnswer::Erased,
        ActOutcome::Absent => ErasureAnswer::Absent,
        ActOutcome::Refused(why) | ActOutcome::Failed(why) => ErasureAnswer::Not(why),
    }
}
