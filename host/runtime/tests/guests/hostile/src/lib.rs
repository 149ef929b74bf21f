//! A plugin that tries what it must not get away with. The audience names the attempt.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/base",
    generate_all,
});

mod description {
    include!("../../description.rs");

    pub fn hostile() -> p::Description {
        description("hostile")
    }
}

use std::hint::black_box;

use exports::postroom::provider::{contacts, provider};
use postroom::provider::types::{
    BatchAnswer, ContactWrite, ErrorDetail, ItemOutcome, ItemResult, OtherError, ProviderError,
};
use postroom::provider::{context, http, log};

struct Hostile;

impl provider::Guest for Hostile {
    fn describe() -> provider::Description {
        description::hostile()
    }

    /// Gives away what it was told, as far as it was told anything.
    fn check() -> Result<provider::AccountInfo, ProviderError> {
        let echoed = send("api", "/echo")?;
        let said = String::from_utf8_lossy(&echoed.body).into_owned();
        log::log(
            log::Level::Warn,
            &format!("\x1b[2Jforged\nline {said}"),
            &[],
        );
        Err(other(&format!(
            "\x1b]0;title\x07{said} {:?}",
            echoed.headers
        )))
    }
}

impl contacts::Guest for Hostile {
    fn prepare(attempt: String) -> Result<Vec<u8>, ProviderError> {
        match attempt.as_str() {
            "large-preparation" => Ok(vec![0; 5 << 20]),
            "huge-answer" => Ok(vec![0; 9 << 20]),
            _ => Err(other("unknown attempt")),
        }
    }

    fn push(
        attempt: String,
        _: Vec<u8>,
        writes: Vec<ContactWrite>,
    ) -> Result<BatchAnswer, ProviderError> {
        let mut items: Vec<ItemResult> = writes.iter().map(|write| item(write.key)).collect();
        match attempt.as_str() {
            "spin" => loop {
                black_box(0);
            },
            "sleep" => std::thread::sleep(std::time::Duration::from_secs(3_600)),
            "memory" => {
                let mut kept = Vec::new();
                loop {
                    kept.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            "recurse" => {
                black_box(recurse(1));
            }
            "panic" => panic!("the guest panics"),
            "exit" => std::process::exit(7),
            "log-flood" => {
                for n in 0..5_000 {
                    log::log(log::Level::Info, &format!("line {n}"), &[]);
                }
            }
            "print-flood" => {
                for n in 0..5_000 {
                    println!("line {n}");
                }
            }
            "host-calls" => loop {
                black_box(context::now());
            },
            "long-argument" => log::log(log::Level::Info, &"x".repeat(9 << 20), &[]),
            "undeclared-origin" => {
                send("elsewhere", "/")?;
            }
            "undeclared-origin-ignored" => {
                let _ = send("elsewhere", "/");
            }
            "forged-key" => items.push(item(999)),
            "same-key-twice" => items.extend(writes.first().map(|write| item(write.key))),
            "forged-id" => {
                for item in &mut items {
                    item.remote_id = Some("line\nbreak".into());
                }
            }
            "long-texts" => {
                for item in &mut items {
                    item.outcome = ItemOutcome::Skipped("é\n".repeat(100_000));
                }
            }
            "then-trap" => {
                send("api", "/members")?;
                panic!("after the request");
            }
            "slow-request" => {
                send("api", "/slow")?;
            }
            _ => return Err(other("unknown attempt")),
        }
        Ok(BatchAnswer {
            items,
            stopped: None,
        })
    }
}

fn send(origin: &str, path: &str) -> Result<http::Response, ProviderError> {
    http::send(&http::Request {
        origin: origin.into(),
        method: http::Method::Post,
        path: path.into(),
        query: vec![],
        headers: vec![],
        body: Some(b"{}".to_vec()),
        safe_to_repeat: false,
    })
    .map_err(|error| other(&format!("{error:?}")))
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(depth + 1) + frame[0]
}

fn item(key: u64) -> ItemResult {
    ItemResult {
        key,
        outcome: ItemOutcome::Created,
        remote_id: None,
        status: None,
        left_out: vec![],
        warnings: vec![],
        extras: vec![],
    }
}

fn other(message: &str) -> ProviderError {
    ProviderError::Other(OtherError {
        detail: ErrorDetail {
            code: "attempt".into(),
            message: message.into(),
        },
        retryable: false,
    })
}

export!(Hostile);
