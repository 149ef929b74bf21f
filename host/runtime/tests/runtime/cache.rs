//! Compiled plugins in a directory: used when sound, replaced when not.

use std::io;
use std::sync::Mutex;

use postroom_runtime::{CompileCache, DirectoryCache, Plugin};

use crate::stage::{engine, guest};

/// Counts what a directory is asked for.
struct Counting {
    inner: DirectoryCache,
    puts: Mutex<Vec<Vec<u8>>>,
}

impl CompileCache for Counting {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.inner.get(key)
    }

    fn put(&self, key: &str, sealed: &[u8]) -> io::Result<()> {
        self.puts.lock().unwrap().push(sealed.to_vec());
        self.inner.put(key, sealed)
    }
}

#[tokio::test]
async fn a_plugin_is_compiled_once_and_again_when_its_entry_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("compiled");
    let cache = Counting { inner: DirectoryCache::open(&directory).unwrap(), puts: Mutex::default() };
    let bytes = guest("healthy");
    let compiled = || cache.puts.lock().unwrap().len();

    for _ in 0..2 {
        let plugin = Plugin::load_cached(engine(), &bytes, &cache).await.unwrap();
        assert_eq!(plugin.description().id, "healthy");
        assert_eq!(compiled(), 1);
    }

    let mut files = std::fs::read_dir(&directory).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    let mut changed = std::fs::read(&file).unwrap();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&file, &changed).unwrap();
    Plugin::load_cached(engine(), &bytes, &cache).await.unwrap();
    assert_eq!(compiled(), 2);

    // Another plugin's sound entry under this plugin's name is as good as none.
    let other = Counting { inner: DirectoryCache::open(folder.path().join("other")).unwrap(), puts: Mutex::default() };
    Plugin::load_cached(engine(), &guest("hostile"), &other).await.unwrap();
    let stranger = other.puts.lock().unwrap().first().unwrap().clone();
    std::fs::write(&file, stranger).unwrap();
    let plugin = Plugin::load_cached(engine(), &bytes, &cache).await.unwrap();
    assert_eq!(plugin.description().id, "healthy");
    assert_eq!(compiled(), 3);
}

#[cfg(unix)]
#[test]
fn the_directory_is_closed_to_others_even_if_it_was_open() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;

    let fresh = folder.path().join("a/b");
    DirectoryCache::open(&fresh).unwrap();
    assert_eq!(mode(&fresh), 0o700);

    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    DirectoryCache::open(&open).unwrap();
    assert_eq!(mode(&open), 0o700);
}
