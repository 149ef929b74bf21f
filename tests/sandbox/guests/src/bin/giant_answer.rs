//! Answers with more than anybody asked for: bytes, members, and texts that are one text in the
//! guest's memory and a million in the host's.

use kit::{
    AccountInfo, Audience, BatchAnswer, ContactWrite, Plugin, ProviderError, RemoteField, Template, facts, item,
};

const MIB: usize = 1 << 20;

struct Guest;

impl Plugin for Guest {
    fn prepare(audience: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![0; if audience == "a-little" { 5 * MIB } else { 9 * MIB }])
    }

    fn push(_: String, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        Ok(BatchAnswer { items: (0..100_000).map(item).collect(), stopped: None })
    }

    fn check() -> Result<AccountInfo, ProviderError> {
        let text = "x".repeat(MIB).leak();
        let mut same = || unsafe { String::from_raw_parts(text.as_mut_ptr(), MIB, MIB) };
        // 64 GiB, if anybody copied them.
        facts((0..32_768).map(|_| (same(), same())).collect())
    }

    fn list_audiences() -> Result<Vec<Audience>, ProviderError> {
        let audience = |n: u32| Audience { id: n.to_string(), name: String::new(), members: None, extras: vec![] };
        Ok((0..20_000).map(audience).collect())
    }

    fn list_templates() -> Result<Vec<Template>, ProviderError> {
        let template = |n: u32| Template { id: n.to_string(), name: String::new(), extras: vec![] };
        Ok((0..20_000).map(template).collect())
    }

    fn list_fields(_: String) -> Result<Vec<RemoteField>, ProviderError> {
        Ok(vec![RemoteField {
            name: "F".into(),
            label: "F".into(),
            kind: "choice".into(),
            required: false,
            choices: (0..20_000).map(|n| n.to_string()).collect(),
            extras: vec![],
        }])
    }
}

kit::plugin!(Guest);
