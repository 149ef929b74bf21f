//! Compiling in a child: what comes back is used only when it is sound, and however the child ends,
//! the parent has a sentence.

use std::path::PathBuf;
use std::time::Duration;

use postroom_runtime::{
    ChildLimits, CompileLimit, CompileLimits, Compiler, CompilerProgram, Engine, LoadError, Plugin,
};

use crate::bombs::{nested, swelling};
use crate::stage::guest;

fn engine(behaviour: &str, limits: CompileLimits) -> Engine {
    Engine::compiling_with(Compiler::Child(CompilerProgram {
        program: PathBuf::from(env!("CARGO_BIN_EXE_compile-child")),
        arguments: vec![behaviour.to_owned()],
        limits,
    }))
    .unwrap()
}

async fn refusal(behaviour: &str, limits: CompileLimits, bytes: &[u8]) -> LoadError {
    Plugin::load(&engine(behaviour, limits), bytes).await.unwrap_err()
}

fn limit_of(error: &LoadError) -> CompileLimit {
    match error {
        LoadError::CompileLimit { limit, .. } => *limit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_compiled_by_a_child_works_like_any_other() {
    let plugin = Plugin::load(&engine("compile", CompileLimits::default()), &guest("healthy")).await.unwrap();
    assert_eq!(plugin.description().id, "healthy");
    let refused = refusal("compile", CompileLimits::default(), b"no wasm at all").await;
    let here = Plugin::load(crate::stage::engine(), b"no wasm at all").await.unwrap_err();
    assert_eq!(refused, here, "the child says what this process would say");
}

#[tokio::test]
async fn the_child_gets_nothing_of_the_parents_environment() {
    // Cargo gave this process variables.
    assert!(std::env::vars().count() > 0);
    let error = refusal("environment", CompileLimits::default(), &guest("tags-only")).await;
    assert_eq!(error, LoadError::Compile { reason: "[]".to_owned() });
}

#[tokio::test]
async fn a_component_that_makes_the_compiler_swell_is_stopped_at_the_memory_limit() {
    let child = ChildLimits { address_space: 128 << 20, ..ChildLimits::default() };
    let limits = CompileLimits { child, ..CompileLimits::default() };
    let error = refusal("compile", limits.clone(), &swelling(150_000)).await;
    assert_eq!(limit_of(&error), CompileLimit::Memory);
    assert!(error.to_string().contains("memory (128 MiB)"), "{error}");
    // The limit was the component's fault and not the guest's.
    Plugin::load(&engine("compile", limits), &guest("healthy")).await.unwrap();
}

#[tokio::test]
async fn a_component_that_keeps_the_compiler_busy_is_stopped_at_the_cpu_limit() {
    let child = ChildLimits { cpu_seconds: 1, ..ChildLimits::default() };
    let limits = CompileLimits { child, ..CompileLimits::default() };
    assert_eq!(limit_of(&refusal("compile", limits, &nested(50_000)).await), CompileLimit::Cpu);
}

#[tokio::test]
async fn a_child_that_does_not_end_is_ended() {
    let limits = CompileLimits { wall: Duration::from_millis(200), ..CompileLimits::default() };
    // More than a pipe holds: the child that reads nothing keeps the parent writing.
    let large = [b"\0asm\x0d\0\x01\0".as_slice(), &[0; 1 << 20]].concat();
    for bytes in [guest("tags-only"), large] {
        assert_eq!(limit_of(&refusal("hang", limits.clone(), &bytes).await), CompileLimit::Wall);
    }
}

#[tokio::test]
async fn a_child_that_answers_without_end_is_cut_off() {
    let limits = CompileLimits { code_bytes: 1 << 20, ..CompileLimits::default() };
    assert_eq!(limit_of(&refusal("flood", limits, &guest("tags-only")).await), CompileLimit::Code);
}

#[tokio::test]
async fn a_child_that_crashes_is_told_from_one_that_refuses() {
    for (behaviour, words) in [("crash", "on purpose"), ("abort", "signal 6"), ("babble", "without a verdict")] {
        let error = refusal(behaviour, CompileLimits::default(), &guest("tags-only")).await;
        let LoadError::CompilerCrashed { how } = &error else { panic!("{error:?}") };
        assert!(how.contains(words), "{error}");
    }
}

#[tokio::test]
async fn machine_code_without_a_sound_seal_is_never_loaded() {
    let error = refusal("forge", CompileLimits::default(), &guest("tags-only")).await;
    let LoadError::Host { reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("does not suit this program"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_the_hosts_failure() {
    let engine = Engine::compiling_with(Compiler::Child(CompilerProgram {
        program: PathBuf::from("/no/such/program"),
        arguments: Vec::new(),
        limits: CompileLimits::default(),
    }));
    let error = Plugin::load(&engine.unwrap(), &guest("tags-only")).await.unwrap_err();
    assert!(matches!(&error, LoadError::Host { reason } if reason.contains("/no/such/program")), "{error:?}");
}
