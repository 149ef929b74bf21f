//! Components that go off when they are instantiated, before any function of theirs is called: a
//! healthy one with one more module, instantiated once or often.

use postroom_runtime::{JobLimits, LoadError};
use postroom_sandbox_tests::guests;
use wasmparser::{Parser, Payload};

use crate::stage::{bytes, load_bytes, ran_out_of_time};

/// Sections of a component.
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;

/// Sections of a module.
const TYPE: u8 = 1;
const FUNCTION: u8 = 3;
const TABLE: u8 = 4;
const MEMORY: u8 = 5;
const START: u8 = 8;
const CODE: u8 = 10;

/// A number as WebAssembly writes it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb(content.len()).as_slice(), content].concat()
}

fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

/// A module with a table of this many elements.
fn with_table(elements: usize) -> Vec<u8> {
    module(&[section(TABLE, &[&[1, 0x70, 0], leb(elements).as_slice()].concat())])
}

/// A module with this many memories of this many pages of 64 KiB.
fn with_memories(count: usize, pages: usize) -> Vec<u8> {
    let memory = [&[0], leb(pages).as_slice()].concat();
    module(&[section(MEMORY, &[leb(count), memory.repeat(count)].concat())])
}

/// A module that runs this code when it starts. It has a table.
fn that_starts_with(code: &[u8]) -> Vec<u8> {
    let body = [&[0], code, &[0x0b]].concat();
    module(&[
        section(TYPE, &[1, 0x60, 0, 0]),
        section(FUNCTION, &[1, 0]),
        section(TABLE, &[1, 0x70, 0, 1]),
        section(START, &[0]),
        section(CODE, &[&[1], leb(body.len()).as_slice(), &body].concat()),
    ])
}

/// Grows the table by a thousand elements, for ever.
const GROWS_ITS_TABLE: &[u8] = &[
    0x03, 0x40, // loop
    0xd0, 0x70, // ref.null func
    0x41, 0xe8, 0x07, // i32.const 1000
    0xfc, 0x0f, 0x00, // table.grow 0
    0x1a, // drop
    0x0c, 0x00, // br 0
    0x0b, // end
];

/// Jumps to itself.
const LOOPS: &[u8] = &[0x03, 0x40, 0x0c, 0x00, 0x0b];

/// The healthy guest with one more module, which is instantiated this often.
fn healthy_with(module: &[u8], instances: usize) -> Vec<u8> {
    let mut component = bytes(guests::healthy());
    let (mut depth, mut modules) = (0, 0);
    for payload in Parser::new(0).parse_all(&component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => {
                modules += usize::from(depth == 0);
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    let instantiate = [&[0], leb(modules).as_slice(), &[0]].concat();
    component.extend(section(CORE_MODULE, module));
    component.extend(section(CORE_INSTANCE, &[leb(instances), instantiate.repeat(instances)].concat()));
    component
}

/// The reason with which a component does not start.
async fn refused(component: &[u8]) -> String {
    match load_bytes(component).await {
        Err(LoadError::Start { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn one_more_module_that_does_nothing_is_fine() {
    let harmless = healthy_with(&module(&[]), 1);
    assert_eq!(load_bytes(&harmless).await.unwrap().description().id, "guest");
}

pub(crate) async fn tables_end_whether_large_or_growing() {
    let limit = JobLimits::default().table_elements;
    let reason = refused(&healthy_with(&with_table(limit), 1)).await;
    assert!(reason.contains(&format!("table elements is used up ({limit} elements)")), "{reason}");
    let reason = refused(&healthy_with(&that_starts_with(GROWS_ITS_TABLE), 1)).await;
    assert!(reason.contains("table elements is used up"), "{reason}");
    // Many small ones are as bad as a large one.
    let reason = refused(&healthy_with(&with_table(limit / 10), 12)).await;
    assert!(reason.contains("table elements is used up"), "{reason}");
}

pub(crate) async fn instances_are_counted() {
    let reason = refused(&healthy_with(&module(&[]), JobLimits::default().instances)).await;
    assert!(reason.contains("instance count too high"), "{reason}");
    let reason = refused(&healthy_with(&with_table(1), JobLimits::default().tables)).await;
    assert!(reason.contains("table count too high"), "{reason}");
}

pub(crate) async fn memories_are_counted_and_added_up() {
    let limits = JobLimits::default();
    let reason = refused(&healthy_with(&with_memories(1, limits.memory_bytes >> 16), 1)).await;
    assert!(reason.contains("memory is used up"), "{reason}");
    let reason = refused(&healthy_with(&with_memories(1, 0), limits.memories)).await;
    assert!(reason.contains("memory count too high"), "{reason}");
}

pub(crate) async fn a_loop_at_the_start_ends() {
    let reason = refused(&healthy_with(&that_starts_with(LOOPS), 1)).await;
    ran_out_of_time(&reason);
}
