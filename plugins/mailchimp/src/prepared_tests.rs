use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;

use super::Prepared;
use crate::archive::Archive;
use crate::fixtures::rules;
use crate::member::hash;
use crate::wire::MemberId;

#[test]
fn it_comes_back_from_the_hosts_bytes() {
    let script = Script::new();
    let archive = Archive::of(&[MemberId { id: hash("a@b.cz") }, MemberId { id: hash("c@d.cz") }]).unwrap();
    let bytes = Prepared { rules: rules(), archive }.to_bytes().unwrap();
    let back = Prepared::from_bytes(&bytes).unwrap();
    assert!(back.rules.is_address("ADDRESS"));
    let holds = |address| back.archive.holds(&script.job(), "a1b2", address).unwrap();
    assert_eq!((holds("C@d.cz"), holds("e@f.cz")), (true, false));
    assert_eq!(back.to_bytes().unwrap(), bytes);
}

#[test]
fn a_large_archive_comes_back_as_one() {
    let bytes = Prepared { rules: rules(), archive: Archive::TooLarge }.to_bytes().unwrap();
    assert!(matches!(Prepared::from_bytes(&bytes).unwrap().archive, Archive::TooLarge));
}

#[test]
fn bytes_that_were_cut_off_are_refused() {
    let archive = Archive::of(&[MemberId { id: hash("a@b.cz") }]).unwrap();
    let bytes = Prepared { rules: rules(), archive }.to_bytes().unwrap();
    for part in [&bytes[..bytes.len() - 1], &bytes[..20], b"x\n"] {
        assert!(matches!(Prepared::from_bytes(part), Err(ProviderError::InvalidRequest(_))));
    }
}
