//! Erasing a person, here and at every provider that had it.
//!
//! Here it happens at once. Providers are told right afterwards, and again by every run of the account and
//! by [`Service::tell_providers`], until each has answered.

use postroom_delivery::{Provider as _, forget};
use postroom_domain::intent::Class;
use postroom_store::erasure::{Erasure, ErasureAnswer, ErasureDue};
use serde::Serialize;

use crate::accounts::OpenAccount;
use crate::contacts::contact_ref;
use crate::{Result, Service};

/// What became of duties to erase.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ErasuresTold {
    /// How many members providers were told to erase.
    pub told: u64,
    /// How many are still to be erased.
    pub owed: u64,
    /// Why, each in a sentence that names account and duty, and nobody.
    pub reasons: Vec<String>,
}

impl Service {
    /// Erases a person. The contact, its history, its entries and its tags are gone from every table and
    /// file when this returns; its addresses are not taken again, by import, by sync or by hand. Providers are
    /// told; what one of them did not do stays owed.
    ///
    /// # Errors
    ///
    /// Bad input for a name that is none, not found. That a provider can't be reached is no error.
    pub async fn erase_contact(&self, who: &str) -> Result<Erasure> {
        let erased = self.store().erase_contact(&contact_ref(who)?, self.now()).await?;
        self.tell_providers(None).await?;
        let known = self.store().erasures(u32::MAX).await?;
        Ok(known.into_iter().find(|erasure| erasure.id == erased.id).unwrap_or(erased))
    }

    /// The erasures of this workspace, the latest first.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn erasures(&self, limit: u32) -> Result<Vec<Erasure>> {
        Ok(self.store().erasures(limit).await?)
    }

    /// Tells providers, of one account or of all, what they are still to erase.
    ///
    /// # Errors
    ///
    /// When the storage fails. That a provider can't be reached is part of the answer.
    pub async fn tell_providers(&self, account: Option<&str>) -> Result<ErasuresTold> {
        let mut told = ErasuresTold::default();
        let due = self.store().erasures_due(account).await?;
        for of_one_account in due.chunk_by(|one, next| one.account == next.account) {
            let Some(first) = of_one_account.first() else { continue };
            match self.open_account(&first.account).await {
                Ok(open) => self.tell(&open, of_one_account, &mut told).await?,
                Err(error) => {
                    told.owed += of_one_account.iter().map(|_| 1).sum::<u64>();
                    told.reasons.push(format!("account `{}`: {error}", first.account));
                }
            }
        }
        Ok(told)
    }

    /// Tells one provider.
    async fn tell(&self, open: &OpenAccount, due: &[ErasureDue], told: &mut ErasuresTold) -> Result<()> {
        let provider = &open.connection;
        for duty in due {
            // In the account's lane like whatever else takes something back.
            let turn = self.delivery.lanes.turn(open.account.id, Class::OptOut, provider.max_concurrency()).await;
            let answer = forget(provider, duty).await;
            drop(turn);
            match &answer {
                ErasureAnswer::Not(why) => {
                    told.owed += 1;
                    told.reasons.push(format!("account `{}`: {why}", duty.account));
                }
                ErasureAnswer::Erased | ErasureAnswer::Absent => told.told += 1,
            }
            self.store().answer_erasure(duty.id, answer, self.now()).await?;
        }
        Ok(())
    }
}
