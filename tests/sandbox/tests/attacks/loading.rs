//! Files that are no plugin, plugins that ask for what they do not get, and descriptions that do
//! more than describe.

use std::io;
use std::sync::Mutex;
use std::time::Instant;

use postroom_runtime::limits::MAX_COMPONENT_BYTES;
use postroom_runtime::{CompileCache, DirectoryCache, LoadError, Plugin};
use postroom_sandbox_tests::guests;

use crate::stage::{MARGIN, bytes, engine, load, load_bytes, ran_out_of_time};

/// The names of what a component imports and does not get.
async fn forbidden(component: &[u8]) -> Vec<String> {
    match load_bytes(component).await {
        Err(error @ LoadError::ForbiddenImports { .. }) => {
            let LoadError::ForbiddenImports { imports } = &error else { panic!("{error:?}") };
            assert!(imports.iter().all(|name| error.to_string().contains(name)), "{error}");
            imports.clone()
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn files_are_not_there() {
    let imports = forbidden(&bytes(guests::file_reader())).await;
    assert!(imports.iter().all(|name| name.starts_with("wasi:filesystem/")), "{imports:?}");
    assert!(imports.iter().any(|name| name.starts_with("wasi:filesystem/types@0.2")), "{imports:?}");
}

pub(crate) async fn sockets_are_not_there() {
    let imports = forbidden(&bytes(guests::socket_opener())).await;
    assert!(imports.iter().any(|name| name.starts_with("wasi:sockets/tcp@0.2")), "{imports:?}");
    assert!(imports.iter().any(|name| name.starts_with("wasi:sockets/ip-name-lookup@0.2")), "{imports:?}");
}

pub(crate) async fn a_component_of_another_contract_is_refused_by_a_sentence() {
    let error = load(guests::foreign_contract()).await.unwrap_err();
    assert!(matches!(error, LoadError::Mismatch { .. }), "{error:?}");
    let sentence = error.to_string();
    assert!(sentence.contains("built against another version of the contract"), "{sentence}");
    assert!(sentence.contains("postroom:provider/"), "{sentence}");
}

pub(crate) async fn a_component_that_is_too_large_never_reaches_the_compiler() {
    let mut component = bytes(guests::healthy());
    // A custom section, which says nothing and is part of a sound component.
    let length = MAX_COMPONENT_BYTES;
    component.push(0);
    for shift in [0, 7, 14, 21, 28] {
        let more = if shift == 28 { 0 } else { 0x80 };
        component.push(u8::try_from((length >> shift) & 0x7f).unwrap() | more);
    }
    component.push(0);
    component.resize(component.len() + length - 1, 0);
    let began = Instant::now();
    let error = load_bytes(&component).await.unwrap_err();
    assert_eq!(error, LoadError::TooLarge { bytes: component.len(), limit: MAX_COMPONENT_BYTES });
    assert!(began.elapsed() < MARGIN, "{:?}", began.elapsed());
}

pub(crate) async fn native_code_is_refused_whoever_made_it() {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    let other = wasmtime::Engine::new(&config).unwrap();
    let native = other.precompile_component(&bytes(guests::healthy())).unwrap();
    assert_eq!(load_bytes(&native).await.unwrap_err(), LoadError::Precompiled);
}

/// Counts what a directory is given.
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

pub(crate) async fn compiled_code_that_was_changed_or_exchanged_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("compiled");
    let cache =
        |name| Counting { inner: DirectoryCache::open(folder.path().join(name)).unwrap(), puts: Mutex::default() };
    let (own, other) = (cache("compiled"), cache("other"));
    let component = bytes(guests::healthy());
    let loads = async |compiled: usize| {
        let plugin = Plugin::load_cached(engine(), &component, &own).await.unwrap();
        assert_eq!((plugin.description().id.as_str(), own.puts.lock().unwrap().len()), ("guest", compiled));
    };
    loads(1).await;
    loads(1).await;
    let file = std::fs::read_dir(&directory).unwrap().next().unwrap().unwrap().path();
    let sound = std::fs::read(&file).unwrap();

    let mut changed = sound.clone();
    changed[sound.len() / 2] ^= 1;
    std::fs::write(&file, &changed).unwrap();
    loads(2).await;
    std::fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    loads(3).await;
    // Another plugin's sound entry under this plugin's name is as good as none.
    Plugin::load_cached(engine(), &bytes(guests::suffix_origin()), &other).await.unwrap();
    let stranger = other.puts.lock().unwrap()[0].clone();
    std::fs::write(&file, stranger).unwrap();
    loads(4).await;
}

pub(crate) async fn a_description_is_the_same_whatever_it_looks_at() {
    // Clocks stand still while a plugin describes itself, chance has no say, and every run is the
    // first: there is nothing by which it could tell two runs apart.
    let first = load(guests::fickle_description()).await.unwrap();
    let again = load(guests::fickle_description()).await.unwrap();
    assert_eq!(first.description(), again.description());
    assert!(first.description().summary.ends_with(" 0"), "{}", first.description().summary);
}

pub(crate) async fn a_description_reaches_nothing() {
    let Err(LoadError::Describe { reason }) = load(guests::calling_description()).await else { panic!("it loads") };
    assert!(reason.contains("it called http.send, which is refused while a plugin is examined"), "{reason}");
}

pub(crate) async fn a_description_that_never_ends_is_refused() {
    let began = Instant::now();
    let Err(LoadError::Describe { reason }) = load(guests::looping_description()).await else { panic!("it loads") };
    ran_out_of_time(&reason);
    assert!(began.elapsed() < MARGIN * 2, "{:?}", began.elapsed());
}
