//! Ends itself: by a panic, by an exit, or after a request has changed the provider.

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, created, outcome, post};

struct Guest;

impl Plugin for Guest {
    fn push(audience: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        match audience.as_str() {
            "panic" => panic!("the guest panics"),
            "exit" => std::process::exit(7),
            "after-a-request" => {
                outcome(&post("api", "/members"));
                panic!("after the request");
            }
            _ => Ok(created(&writes)),
        }
    }
}

kit::plugin!(Guest);
