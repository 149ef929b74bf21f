//! What a request says about one member, after its shape was checked.

use serde_json::{Map, Value};

use super::{EmailType, FieldError, Moment, Status};

/// Message for a PHP-style empty array where an object belongs (MC-23).
const ARRAY_FOR_OBJECT: &str = "Schema describes object, array found instead";

/// How the keys that differ between endpoints are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shape {
    /// Whether `tags` is looked at; PUT and PATCH ignore it (MC-27).
    pub tags: bool,
}

/// The known keys of a member in a request. Absent means unchanged.
#[derive(Clone, Debug, Default)]
pub struct MemberWrite {
    /// `email_address`, trimmed.
    pub email: Option<String>,
    /// `status`.
    pub status: Option<Status>,
    /// `status_if_new`.
    pub status_if_new: Option<Status>,
    /// `email_type`.
    pub email_type: Option<EmailType>,
    /// `merge_fields` by tag.
    pub merge_fields: Option<Map<String, Value>>,
    /// `interests` by id.
    pub interests: Option<Vec<(String, bool)>>,
    /// `language`.
    pub language: Option<String>,
    /// `vip`.
    pub vip: Option<bool>,
    /// `location`, latitude and longitude.
    pub location: Option<(f64, f64)>,
    /// `ip_signup`.
    pub ip_signup: Option<String>,
    /// `timestamp_signup`; the inner `None` clears it.
    pub timestamp_signup: Option<Option<Moment>>,
    /// `ip_opt`.
    pub ip_opt: Option<String>,
    /// `timestamp_opt`; the inner `None` clears it.
    pub timestamp_opt: Option<Option<Moment>>,
    /// `tags`, plain names.
    pub tags: Option<Vec<String>>,
}

impl MemberWrite {
    /// Reads `value`, which stands at `at` in the request. Keys that are not known are ignored (MC-27).
    ///
    /// # Errors
    /// Every violation of the schema.
    pub fn parse(value: Value, at: At, shape: Shape) -> Result<Self, Vec<FieldError>> {
        let Value::Object(map) = value else {
            return Err(vec![FieldError::new(at.itself(), not_an_object(&value))]);
        };
        let mut read = Reader { at, errors: Vec::new() };
        let mut write = Self::default();
        // One pass over what is there: bulk calls read hundreds of these.
        for (key, value) in map {
            match key.as_str() {
                "email_address" => write.email = read.text(&key, value).map(trimmed),
                "status" => write.status = read.one_of(&key, value, &Status::ALL, Status::name),
                "status_if_new" => write.status_if_new = read.one_of(&key, value, &Status::ALL, Status::name),
                "email_type" => write.email_type = read.one_of(&key, value, &EmailType::ALL, EmailType::name),
                "merge_fields" => write.merge_fields = read.object(&key, value),
                "interests" => write.interests = read.interests(&key, value),
                "language" => write.language = read.text(&key, value),
                "vip" => write.vip = read.flag(&key, &value),
                "location" => write.location = read.location(&key, value),
                "ip_signup" => write.ip_signup = read.text(&key, value),
                "timestamp_signup" => write.timestamp_signup = read.moment(&key, value),
                "ip_opt" => write.ip_opt = read.text(&key, value),
                "timestamp_opt" => write.timestamp_opt = read.moment(&key, value),
                "tags" if shape.tags => write.tags = read.tags(&key, value),
                _ => {}
            }
        }
        if read.errors.is_empty() { Ok(write) } else { Err(read.errors) }
    }
}

/// Where a member stands in a request, for the names of fields in errors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At {
    /// It is the body.
    Body,
    /// It is this item of `members`.
    Item(usize),
}

impl At {
    fn itself(self) -> String {
        match self {
            Self::Body => String::new(),
            Self::Item(position) => format!("members.item:{position}"),
        }
    }

    fn field(self, key: &str) -> String {
        match self {
            Self::Body => key.to_owned(),
            Self::Item(position) => format!("members.item:{position}.{key}"),
        }
    }
}

fn trimmed(text: String) -> String {
    if text.trim().len() == text.len() { text } else { text.trim().to_owned() }
}

fn not_an_object(value: &Value) -> String {
    if value.is_array() { ARRAY_FOR_OBJECT.to_owned() } else { expected("object", value) }
}

/// The provider's sentence about a value of the wrong type.
pub(super) fn expected(wanted: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "NULL",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("Schema describes {wanted}, {found} found instead")
}

struct Reader {
    at: At,
    errors: Vec<FieldError>,
}

impl Reader {
    fn fail<T>(&mut self, key: &str, message: impl Into<String>) -> Option<T> {
        self.errors.push(FieldError::new(self.at.field(key), message));
        None
    }

    fn text(&mut self, key: &str, value: Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            other => self.fail(key, expected("string", &other)),
        }
    }

    fn flag(&mut self, key: &str, value: &Value) -> Option<bool> {
        match value.as_bool() {
            Some(flag) => Some(flag),
            None => self.fail(key, expected("boolean", value)),
        }
    }

    fn object(&mut self, key: &str, value: Value) -> Option<Map<String, Value>> {
        match value {
            Value::Object(map) => Some(map),
            other => self.fail(key, not_an_object(&other)),
        }
    }

    fn one_of<T: Copy>(&mut self, key: &str, value: Value, all: &[T], name: fn(T) -> &'static str) -> Option<T> {
        let text = self.text(key, value)?;
        let found = all.iter().copied().find(|one| name(*one) == text);
        found.or_else(|| {
            let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
            self.fail(key, format!("Value must be one of: {}.", names.join(", ")))
        })
    }

    fn moment(&mut self, key: &str, value: Value) -> Option<Option<Moment>> {
        let text = self.text(key, value)?;
        if text.is_empty() {
            return Some(None);
        }
        match Moment::parse(&text) {
            Some(moment) => Some(Some(moment)),
            None => self.fail(key, "This value is not a valid datetime."),
        }
    }

    fn interests(&mut self, key: &str, value: Value) -> Option<Vec<(String, bool)>> {
        let map = self.object(key, value)?;
        let mut interests = Vec::with_capacity(map.len());
        for (id, value) in map {
            if let Some(on) = self.flag(&format!("{key}.{id}"), &value) {
                interests.push((id, on));
            }
        }
        Some(interests)
    }

    fn location(&mut self, key: &str, value: Value) -> Option<(f64, f64)> {
        let map = self.object(key, value)?;
        let degrees = |key: &str| map.get(key).and_then(Value::as_f64);
        Some((degrees("latitude").unwrap_or_default(), degrees("longitude").unwrap_or_default()))
    }

    fn tags(&mut self, key: &str, value: Value) -> Option<Vec<String>> {
        let list = match value {
            Value::Array(list) => list,
            other => return self.fail(key, expected("array", &other)),
        };
        let mut tags = Vec::with_capacity(list.len());
        for (position, value) in list.into_iter().enumerate() {
            tags.extend(self.text(&format!("{key}.item:{position}"), value));
        }
        Some(tags)
    }
}
