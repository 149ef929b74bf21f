//! The directory in which compiled plugins are kept.

use postroom_runtime::DirectoryCache;

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
