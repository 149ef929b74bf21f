//! How values of the domain stand in columns.
//!
//! Words are the serde words of the domain's enums, so that the tables, the JSON of the faces and
//! the code can't drift apart. Times are microseconds.

use jiff::Timestamp;
use postroom_domain::email::EmailAddress;
use roaring::RoaringTreemap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Step};

/// A moment as it is stored: microseconds since 1970 in UTC, which hold any year that can be written.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A stored moment.
pub(crate) fn timestamp(micros: i64) -> Step<Timestamp> {
    Ok(Timestamp::from_microsecond(micros)?)
}

/// The word of an enum without data.
pub(crate) fn word<T: Serialize>(value: &T) -> Step<String> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(Failure::unreadable("word", other)),
    }
}

/// The enum that a stored word stands for.
pub(crate) fn from_word<T: DeserializeOwned>(what: &str, word: &str) -> Step<T> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    let deserializer: StrDeserializer<'_, Error> = word.into_deserializer();
    T::deserialize(deserializer).map_err(|_| Failure::unreadable(what, word))
}

/// A stored address. It was checked when it came in.
pub(crate) fn address(text: &str) -> Step<EmailAddress> {
    EmailAddress::parse(text).map_err(|_| Failure::Cause("a stored e-mail address is not one any more".to_owned()))
}

/// A stored hash of 16 bytes.
pub(crate) fn hash16(bytes: &[u8]) -> Step<[u8; 16]> {
    bytes.try_into().map_err(|_| Failure::unreadable("hash", format!("of {} bytes", bytes.len())))
}

/// A stored set of contacts.
pub(crate) fn contact_set(bytes: &[u8]) -> Step<RoaringTreemap> {
    Ok(RoaringTreemap::deserialize_from(bytes)?)
}

/// A set of contacts as it is stored: numbers that follow each other take next to nothing.
pub(crate) fn contact_set_bytes(contacts: &RoaringTreemap) -> Step<Vec<u8>> {
    let mut contacts = contacts.clone();
    contacts.optimize();
    let mut bytes = Vec::with_capacity(contacts.serialized_size());
    contacts.serialize_into(&mut bytes)?;
    Ok(bytes)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
