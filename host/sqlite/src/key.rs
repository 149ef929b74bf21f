//! The key of a store, and what it seals.
//!
//! The key stands in a file beside the database, so that a copy of the database alone opens
//! nothing. Every secret is sealed by itself and bound to its place: a sealed value that is moved
//! to another account or slot does not open.

use std::path::Path;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use postroom_store::StoreError;
use rand::TryRngCore;
use zeroize::Zeroizing;

use crate::failure::{Failure, Step};
use crate::folder;

/// The length of the key, in bytes.
const KEY_BYTES: usize = 32;
/// The length of a nonce, in bytes: long enough to be drawn at random for ever.
const NONCE_BYTES: usize = 24;
/// What the check value is derived for.
const CHECK_CONTEXT: &str = "postroom 2026 store key check value";
/// What the hash of a suppressed address is derived for.
const ADDRESS_CONTEXT: &str = "postroom 2026 store suppressed address";

/// The key that opens the secrets of one store.
pub(crate) struct SecretKey(Zeroizing<[u8; KEY_BYTES]>);

impl SecretKey {
    /// Draws a new key.
    pub(crate) fn generate() -> Step<Self> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Writes the key to the store's folder.
    pub(crate) fn save(&self, folder: &Path) -> Step<()> {
        Ok(folder::write_new(&folder::key(folder), self.0.as_ref())?)
    }

    /// Reads the key from the store's folder. `None` when there is no such file.
    pub(crate) fn load(folder: &Path) -> Step<Option<Self>> {
        let file = folder::key(folder);
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Err(StoreError::Unusable(format!(
                "the key file {} has {} bytes instead of {KEY_BYTES}: restore it from the backup of this store",
                file.display(),
                bytes.len()
            ))
            .into());
        }
        key.copy_from_slice(&bytes);
        Ok(Some(Self(key)))
    }

    /// What tells this key from another without telling the key.
    pub(crate) fn check_value(&self) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_derive_key(CHECK_CONTEXT);
        hasher.update(self.0.as_ref());
        let mut value = [0; 16];
        hasher.finalize_xof().fill(&mut value);
        value
    }

    /// The hash of an address key under this key.
    pub(crate) fn address_hash(&self, email_key: &str) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_derive_key(ADDRESS_CONTEXT);
        hasher.update(self.0.as_ref());
        hasher.update(email_key.as_bytes());
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        hash
    }

    /// Seals a secret for one slot of one account.
    pub(crate) fn seal(&self, account: i64, slot: &str, secret: &str) -> Step<Vec<u8>> {
        let mut sealed = vec![0; NONCE_BYTES];
        random(&mut sealed)?;
        let nonce = XNonce::clone_from_slice(&sealed);
        let payload = Payload { msg: secret.as_bytes(), aad: &place(account, slot) };
        let ciphertext = self
            .cipher()
            .encrypt(&nonce, payload)
            .map_err(|_| Failure::Cause("the secret is too long to be sealed".to_owned()))?;
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens a sealed secret; none when this key does not open it at this place.
    pub(crate) fn open(&self, account: i64, slot: &str, sealed: &[u8]) -> Option<Zeroizing<String>> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: ciphertext, aad: &place(account, slot) };
        let opened = Zeroizing::new(self.cipher().decrypt(&XNonce::clone_from_slice(nonce), payload).ok()?);
        std::str::from_utf8(&opened).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.as_ref().into())
    }
}

/// What a sealed value is bound to: the account's number and the slot's name.
fn place(account: i64, slot: &str) -> Vec<u8> {
    [account.to_le_bytes().as_slice(), slot.as_bytes()].concat()
}

fn random(bytes: &mut [u8]) -> Step<()> {
    rand::rngs::OsRng.try_fill_bytes(bytes).map_err(|error| Failure::Cause(format!("no random bytes: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_at_its_place_and_with_its_key_only() {
        let key = SecretKey::generate().unwrap();
        let sealed = key.seal(7, "api-key", "abc-us1").unwrap();
        assert_eq!(key.open(7, "api-key", &sealed).unwrap().as_str(), "abc-us1");
        assert!(key.open(8, "api-key", &sealed).is_none());
        assert!(key.open(7, "token", &sealed).is_none());
        assert!(SecretKey::generate().unwrap().open(7, "api-key", &sealed).is_none());
        assert!(key.open(7, "api-key", &sealed[..10]).is_none());
    }
}
