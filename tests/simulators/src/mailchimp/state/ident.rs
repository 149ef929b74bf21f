//! Identifiers: the MD5 of an address, and ids made from a seed.

use std::fmt;
use std::str::FromStr;

use md5::{Digest, Md5};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde::{Serialize, Serializer};

/// 128 bits shown as 32 lower-case hexadecimal digits: a member's hash or its contact id.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Id128(u128);

impl fmt::Display for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Id128 {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // from_str_radix alone would let a sign through.
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| ())
    }
}

impl Serialize for Id128 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// 40 bits shown as 10 lower-case hexadecimal digits: the shape of audience and unique e-mail ids.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShortId(u64);

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010x}", self.0)
    }
}

impl Serialize for ShortId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The id of a member: MD5 of its trimmed address in ASCII lower case (MC-07).
#[must_use]
pub fn member_hash(email: &str) -> Id128 {
    let digest = Md5::digest(email.trim().to_ascii_lowercase());
    Id128(u128::from_be_bytes(digest.into()))
}

/// Makes ids and shuffles. Two mints with the same seed make the same ones.
#[derive(Debug)]
pub struct Mint {
    random: StdRng,
    last_number: u32,
}

impl Mint {
    /// A mint that starts from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            // Real numbers are large: a client that stores them in 16 bits should notice.
            last_number: 1_000_000,
        }
    }

    /// 32 hexadecimal digits.
    pub fn id128(&mut self) -> Id128 {
        Id128(self.random.random())
    }

    /// 10 hexadecimal digits.
    pub fn short_id(&mut self) -> ShortId {
        ShortId(self.random.random::<u64>() & 0xff_ffff_ffff)
    }

    /// The next whole number, for segments, tags and web ids.
    pub fn number(&mut self) -> u32 {
        self.last_number = self.last_number.saturating_add(1);
        self.last_number
    }

    /// Puts `items` into another order (MC-25).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.random);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mc_07_the_hash_is_the_md5_of_the_lower_case_address() {
        for (email, hash) in [
            ("Urist.McVankab@freddiesjokes.com", "62eeb292278cc15f5817cb78f7790b08"),
            (" jana.novakova@example.cz", "afe06c9ac3057b15d524fcef0229024b"),
        ] {
            assert_eq!(member_hash(email).to_string(), hash);
            assert_eq!(hash.to_uppercase().parse(), Ok(member_hash(email)));
        }
    }

    #[test]
    fn a_mint_repeats_itself_from_the_same_seed() {
        let (mut one, mut two) = (Mint::new(7), Mint::new(7));
        assert_eq!(one.short_id(), two.short_id());
        assert_eq!(one.short_id().to_string().len(), 10);
        assert_ne!(one.id128(), Mint::new(8).id128());
    }
}
