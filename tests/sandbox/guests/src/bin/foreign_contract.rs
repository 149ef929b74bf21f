//! Is called like a plugin and speaks another contract: its interfaces bear our names and hold
//! other functions.

wit_bindgen::generate!({
    inline: "
        package postroom:provider@0.1.0;

        interface provider {
            describe: func() -> string;
            check: func() -> bool;
        }

        interface contacts {
            prepare: func(audience: string) -> list<u8>;
            push: func(audience: string, contacts: list<string>) -> u32;
        }

        world foreign {
            export provider;
            export contacts;
        }
    ",
});

use exports::postroom::provider::{contacts, provider};

struct Guest;

impl provider::Guest for Guest {
    fn describe() -> String {
        "trust me".into()
    }

    fn check() -> bool {
        true
    }
}

impl contacts::Guest for Guest {
    fn prepare(_: String) -> Vec<u8> {
        vec![]
    }

    fn push(_: String, contacts: Vec<String>) -> u32 {
        contacts.len() as u32
    }
}

export!(Guest);

fn main() {}
