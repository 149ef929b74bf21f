//! Compiled plugins, kept so that a plugin loads in milliseconds instead of seconds.
//!
//! What is kept is native code, and wasmtime does not notice when a byte of it was changed. So an
//! entry is sealed: it begins with a digest over its own key and code, checked before anything is
//! loaded. This catches damage and mix-ups; against somebody who can write the cache there is the
//! owner-only directory, for whoever writes there could as well replace this program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wasmtime::component::Component;

use crate::engine::Engine;

/// Where compiled plugins are kept between processes.
///
/// Both methods may block for as long as a file of some megabytes takes.
pub trait CompileCache: Send + Sync {
    /// What was put under `key`, or nothing. A cache that cannot be read has nothing.
    fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps `sealed` under `key`, in place of what was there.
    ///
    /// # Errors
    ///
    /// What keeps it from being stored. The plugin loads all the same, and is compiled again the
    /// next time.
    fn put(&self, key: &str, sealed: &[u8]) -> io::Result<()>;
}

/// A cache in a directory that only its owner can read and write.
#[derive(Debug, Clone)]
pub struct DirectoryCache {
    directory: PathBuf,
}

impl DirectoryCache {
    /// Opens the directory, making it if it is missing. One that others can write or read is
    /// closed to them.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made, is no directory, or cannot be closed to others because
    /// it is somebody else's.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        create_private(&directory)?;
        Ok(Self { directory })
    }

    fn path(&self, key: &str) -> PathBuf {
        // Keys are hexadecimal digests with `:` and `-` between them.
        self.directory.join(format!("{}.cwasm", key.replace(':', "-")))
    }
}

impl CompileCache for DirectoryCache {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        match fs::read(self.path(key)) {
            Ok(sealed) => Some(sealed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(%error, key, "a compiled plugin cannot be read from the cache");
                None
            }
        }
    }

    fn put(&self, key: &str, sealed: &[u8]) -> io::Result<()> {
        use std::io::Write as _;
        // A reader sees the old entry or the new one, never a half of it.
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(sealed)?;
        file.persist(self.path(key))?;
        Ok(())
    }
}

#[cfg(unix)]
fn create_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

    const OWNER_ONLY: u32 = 0o700;
    fs::DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(directory)?;
    // It may have been there before, with other permissions.
    let found = fs::metadata(directory)?.permissions().mode() & 0o777;
    if found != OWNER_ONLY {
        fs::set_permissions(directory, fs::Permissions::from_mode(OWNER_ONLY))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// The name of one plugin's code for one kind of engine.
pub(crate) fn key(digest: &str, engine: &Engine) -> String {
    format!("{digest}-{}", engine.compatibility())
}

/// Puts the digest in front of compiled code.
pub(crate) fn seal(key: &str, code: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(blake3::OUT_LEN + code.len());
    sealed.extend_from_slice(digest(key, code).as_bytes());
    sealed.extend_from_slice(code);
    sealed
}

/// The component in a sealed entry, or nothing when the entry is damaged, stands under another
/// entry's key, or does not suit the engine.
pub(crate) fn unseal(engine: &Engine, key: &str, sealed: &[u8]) -> Option<Component> {
    let (claimed, code) = sealed.split_first_chunk::<{ blake3::OUT_LEN }>()?;
    if digest(key, code) != blake3::Hash::from_bytes(*claimed) {
        tracing::warn!(key, "a compiled plugin in the cache was changed; it is compiled again");
        return None;
    }
    #[allow(unsafe_code, reason = "loading compiled code is what a compile cache is for; argued below")]
    // SAFETY: `deserialize` requires bytes that `Engine::precompile_component` or
    // `Component::serialize` of this wasmtime made and that nobody changed. The digest over key and
    // code was just checked, on these very bytes in memory, so nobody can exchange them after the
    // check. `seal` is the only maker of such entries, it is only given what `precompile_component`
    // returned, and the key holds wasmtime's own hash of version, settings and target. They come
    // from one of three places:
    //  * this process compiled them a moment ago;
    //  * the child process did, over a pipe that nobody else holds. It is the program that this
    //    process names to `Compiler::Child`, of the same build or else the key differs; a component
    //    that takes over the compiler in there could forge an entry, and would have this very
    //    process if it were compiled here;
    //  * the cache. Whoever can write a self-consistent entry there has this user's rights over an
    //    owner-only directory, and so over this program.
    let component = unsafe { Component::deserialize(engine.wasmtime(), code) };
    match component {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(key, %error, "a compiled plugin in the cache does not load; it is compiled again");
            None
        }
    }
}

/// The size of the code in a sealed entry.
pub(crate) fn code_size(sealed: &[u8]) -> usize {
    sealed.len().saturating_sub(blake3::OUT_LEN)
}

/// The digest that a sealed entry begins with, for people.
pub(crate) fn seal_digest(sealed: &[u8]) -> String {
    sealed
        .first_chunk::<{ blake3::OUT_LEN }>()
        .map(|digest| format!("blake3:{}", blake3::Hash::from_bytes(*digest).to_hex()))
        .unwrap_or_default()
}

fn digest(key: &str, code: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_derive_key("postroom compile cache entry, version 1")
        .update(&(key.len() as u64).to_le_bytes())
        .update(key.as_bytes())
        .update(code)
        .finalize()
}
