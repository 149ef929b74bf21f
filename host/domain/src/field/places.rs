//! Values that the world has a register for: phone numbers, countries, languages, time zones, URLs. Each
//! is kept in the register's own spelling, so that two spellings of one thing are one value.

use isolang::Language;
use jiff::tz::TimeZoneDatabase;
use oxilangtag::LanguageTag;

/// The shortest number of digits, country included, that any network has given out.
const MIN_PHONE_DIGITS: usize = 7;

/// A phone number as E.164. It must name its country; the register tells how many digits one may have, but
/// not whether this one was given out: it ages, and a number that it does not know yet is still a number.
pub(super) fn phone(text: &str) -> Option<String> {
    let text = match text.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => text.to_owned(),
    };
    if !text.starts_with('+') {
        return None;
    }
    let number = phonenumber::parse(None, text).ok()?;
    let canonical = number.format().mode(phonenumber::Mode::E164).to_string();
    (canonical.len() > MIN_PHONE_DIGITS).then_some(canonical)
}

/// A country's code of two letters, from that, from the one of three, or from its English name.
pub(super) fn country(text: &str) -> Option<String> {
    let upper = text.to_uppercase();
    rust_iso3166::from_alpha2(&upper)
        .or_else(|| rust_iso3166::from_alpha3(&upper))
        .or_else(|| rust_iso3166::ALL.iter().find(|country| country.name.eq_ignore_ascii_case(text)).copied())
        .map(|country| country.alpha2.to_owned())
}

/// A language's BCP 47 tag, from that, from a locale as systems write it (`de_AT`), or from the language's
/// name in English or in itself.
pub(super) fn language(text: &str) -> Option<String> {
    if let Ok(tag) = LanguageTag::parse_and_normalize(&text.replace('_', "-")) {
        let primary = tag.primary_language();
        if Language::from_639_1(primary).is_some() || Language::from_639_3(primary).is_some() {
            return Some(tag.into_inner());
        }
    }
    let named = Language::from_name_lowercase(&text.to_lowercase()).or_else(|| Language::from_autonym(text))?;
    Some(named.to_639_1().unwrap_or_else(|| named.to_639_3()).to_owned())
}

/// A time zone's name in the database that this program brings with it: the same on every machine.
pub(super) fn time_zone(text: &str) -> Option<String> {
    let zone = TimeZoneDatabase::bundled().get(text).ok()?;
    zone.iana_name().map(str::to_owned)
}

/// A web address as it was given.
pub(super) fn url(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| text.to_owned())
}
