//! What loads and what is refused, and with which sentence.

use postroom_runtime::{Capability, LoadError, Plugin, digest};

use crate::stage::{engine, guest, healthy, plain};

#[tokio::test]
async fn a_plugin_has_the_capabilities_whose_interfaces_it_exports() {
    let plugin = healthy().await;
    assert_eq!(plugin.capabilities(), Capability::ALL);
    assert_eq!(plain().await.capabilities(), []);
    assert_eq!(plugin.description().id, "healthy");
    assert_eq!(plugin.origins().len(), 1);
    assert_eq!(plugin.digest(), digest(&guest("healthy")));
    assert!(plugin.digest().starts_with("sha256:"));
}

#[tokio::test]
async fn a_component_without_the_required_exports_is_no_plugin() {
    let error = Plugin::load(engine(), &guest("tags-only")).await.unwrap_err();
    assert_eq!(error, LoadError::NotAPlugin { missing: "postroom:provider/provider".to_owned() });
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let error = Plugin::load(engine(), b"\0asm\x01\0\0\0").await.unwrap_err();
    assert_eq!(error, LoadError::NotAComponent);

    for bytes in [b"no wasm at all".as_slice(), b""] {
        let error = Plugin::load(engine(), bytes).await.unwrap_err();
        assert!(matches!(error, LoadError::NotWasm { .. }));
    }

    let mut cut = guest("tags-only");
    cut.truncate(cut.len() / 2);
    let error = Plugin::load(engine(), &cut).await.unwrap_err();
    assert!(matches!(error, LoadError::Compile { .. }));
}

#[tokio::test]
async fn an_inspection_tells_what_a_plugin_asks_for_whether_or_not_it_loads() {
    let fine = Plugin::inspect(engine(), &guest("healthy"), None).await.unwrap();
    assert_eq!(fine.refusal, None);
    assert_eq!(fine.capabilities, Capability::ALL);
    assert!(fine.imports.iter().all(|import| import.allowed));
    assert!(fine.imports.iter().any(|import| import.name == "postroom:provider/http@0.1.0"));
    assert!(fine.producers.iter().any(|tool| tool.name == "wit-component"), "{:?}", fine.producers);
    let memory = fine.memory.unwrap();
    assert_eq!(memory.count, 1);
    // A Rust guest has a stack of 1 MiB and its data.
    assert!((1 << 20..2 << 20).contains(&memory.largest_bytes), "{memory:?}");
    assert!(fine.code.size > fine.size && fine.code.digest.starts_with("blake3:"), "{:?}", fine.code);
    assert_eq!(fine.description.as_ref().unwrap().id, "healthy");
    assert_eq!(fine.sending_terms.as_ref().unwrap().key_life_s, Some(3600));
    let json = serde_json::to_string(&fine).unwrap();
    assert_eq!(serde_json::from_str::<postroom_runtime::Inspection>(&json).unwrap(), fine);

    let refused = Plugin::inspect(engine(), &guest("filesystem"), None).await.unwrap();
    assert!(refused.refusal.unwrap().contains("wasi:filesystem/"));
    assert!(refused.imports.iter().any(|import| !import.allowed));
    assert_eq!(refused.description, None);
}
