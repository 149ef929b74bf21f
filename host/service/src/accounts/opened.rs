//! The accounts that are open: whatever is done with one shares its connections and its limits.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use postroom_store::accounts::{Account, InstalledPlugin};

use super::OpenAccount;

/// The open accounts of a process, by number.
#[derive(Default)]
pub(crate) struct OpenedAccounts(Mutex<HashMap<i64, Opened>>);

struct Opened {
    open: OpenAccount,
    /// The plugin that was installed then; none where it is bundled.
    installed: Option<InstalledPlugin>,
}

impl OpenedAccounts {
    /// The open account, if neither it nor its plugin has changed since. A change of a secret is a change of the
    /// account.
    pub(super) fn still(&self, account: &Account, installed: Option<&InstalledPlugin>) -> Option<OpenAccount> {
        let opened = self.opened();
        let known = opened.get(&account.id)?;
        (known.open.account == *account && known.installed.as_ref() == installed).then(|| known.open.clone())
    }

    pub(super) fn keep(&self, open: &OpenAccount, installed: Option<InstalledPlugin>) {
        self.opened().insert(open.account.id, Opened { open: open.clone(), installed });
    }

    pub(super) fn forget(&self, account: i64) {
        self.opened().remove(&account);
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<i64, Opened>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
