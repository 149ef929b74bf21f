//! A plugin that is whatever a test writes into it: its description comes from a sheet of text that
//! stands in the component, so that one build gives any number of plugins and versions.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/base",
    generate_all,
});

mod description {
    include!("../../description.rs");

    pub fn variant() -> p::Description {
        description("variant")
    }
}

use exports::postroom::provider::{contacts, provider};
use postroom::provider::http;
use postroom::provider::types::{BatchAnswer, ContactWrite, ErrorDetail, OtherError, ProviderError};

/// How the sheet begins; `sheet.rs` beside the guests looks for it.
const TITLE: &[u8] = b"THE SHEET OF THE VARIANT\n";

const SHEET_BYTES: usize = 1024;

/// Lines of a word, `=` and a value, up to the first zero byte.
static SHEET: [u8; SHEET_BYTES] = {
    let mut sheet = [0; SHEET_BYTES];
    let mut at = 0;
    while at < TITLE.len() {
        sheet[at] = TITLE[at];
        at += 1;
    }
    sheet
};

/// The values of a word, in the order of the sheet.
fn values(word: &str) -> Vec<String> {
    // SAFETY: it is a live static. The read is volatile because its bytes are exchanged after
    // compiling.
    let sheet = unsafe { core::ptr::read_volatile(&raw const SHEET) };
    let text = sheet[TITLE.len()..].split(|byte| *byte == 0).next();
    let text = String::from_utf8_lossy(text.unwrap_or_default()).into_owned();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| *key == word)
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn value(word: &str, otherwise: &str) -> String {
    let last = values(word).pop();
    last.unwrap_or_else(|| otherwise.to_owned())
}

struct Variant;

impl provider::Guest for Variant {
    fn describe() -> provider::Description {
        let mut description = description::variant();
        description.id = value("id", "variant");
        description.name = value("name", "A variant");
        description.version = value("version", "1.0.0");
        description.vendor = value("vendor", "The tests");
        for (number, template) in values("also").into_iter().enumerate() {
            description.origins.push(provider::Origin {
                label: format!("also-{number}"),
                template,
                part: None,
                purpose: "More of everything.".into(),
            });
        }
        for slot in values("secret") {
            description.auth_methods[0].slots.push(provider::Slot {
                label: format!("The {slot}"),
                name: slot,
                kind: provider::SlotKind::Header("x-more".into()),
                origin: "api".into(),
                optional: true,
            });
        }
        description
    }

    fn check() -> Result<provider::AccountInfo, ProviderError> {
        let answer = http::send(&http::Request {
            origin: "api".into(),
            method: http::Method::Get,
            path: "/3.0/ping".into(),
            query: vec![],
            headers: vec![],
            body: None,
            safe_to_repeat: true,
        });
        match answer {
            Ok(response) => Ok(provider::AccountInfo {
                name: "A variant's account".into(),
                facts: vec![("status".into(), response.status.to_string())],
            }),
            Err(error) => Err(ProviderError::Other(OtherError {
                detail: ErrorDetail { code: "http".into(), message: format!("{error:?}") },
                retryable: false,
            })),
        }
    }
}

impl contacts::Guest for Variant {
    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn push(_: String, _: Vec<u8>, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        Ok(BatchAnswer { items: vec![], stopped: None })
    }
}

export!(Variant);
