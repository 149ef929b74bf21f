//! Values that the world has a register for: phone numbers, countries, languages, time zones, URLs. Each
//! is kept in the register's own spelling, so that two spellings of one thing are one value.

use std::fmt;
use std::str::FromStr;

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

/// The country whose phone numbers are written without its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCountry(phonenumber::country::Id);

impl PhoneCountry {
    /// A number as it is dialled in this country, with the country's code before it; none where it says a country itself,
    /// or is none of this country's numbers. The register judges here, since nobody else vouches for the country.
    #[must_use]
    pub fn completed(self, text: &str) -> Option<String> {
        let text = text.trim();
        if text.starts_with('+') || text.starts_with("00") {
            return None;
        }
        let number = phonenumber::parse(Some(self.0), text).ok()?;
        number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
    }
}

impl FromStr for PhoneCountry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = country(text.trim()).and_then(|code| code.parse().ok());
        id.map(Self).ok_or_else(|| {
            format!(
                "`{text}` is no country with phone numbers: write its two-letter code, such as EE, or its English name"
            )
        })
    }
}

impl fmt::Display for PhoneCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
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
