//! What a request says about one member, after its shape was checked.

use serde_json::{Map, Value};

use super::{FieldError, Moment, Status};

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
    pub email_type: Option<String>,
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
    /// Reads `value`. `at` is put before field names in errors, for example `members.item:0.`.
    /// Keys that are not known are ignored (MC-27).
    ///
    /// # Errors
    /// Every violation of the schema.
    pub fn parse(value: Value, at: &str, shape: Shape) -> Result<Self, Vec<FieldError>> {
        let Value::Object(mut map) = value else {
            return Err(vec![FieldError::new(at.trim_end_matches('.'), not_an_object(&value))]);
        };
        let mut reader = Reader { map: &mut map, at, errors: Vec::new() };
        let write = Self {
            email: reader.text("email_address").map(trimmed),
            status: reader.status("status"),
            status_if_new: reader.status("status_if_new"),
            email_type: reader.text("email_type"),
            merge_fields: reader.object("merge_fields"),
            interests: reader.interests(),
            language: reader.text("language"),
            vip: reader.flag("vip"),
            location: reader.location(),
            ip_signup: reader.text("ip_signup"),
            timestamp_signup: reader.moment("timestamp_signup"),
            ip_opt: reader.text("ip_opt"),
            timestamp_opt: reader.moment("timestamp_opt"),
            tags: if shape.tags { reader.tags() } else { None },
        };
        if reader.errors.is_empty() { Ok(write) } else { Err(reader.errors) }
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

struct Reader<'a> {
    map: &'a mut Map<String, Value>,
    at: &'a str,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn fail(&mut self, key: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(format!("{}{key}", self.at), message));
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.map.remove(key)? {
            Value::String(text) => Some(text),
            other => {
                self.fail(key, expected("string", &other));
                None
            }
        }
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        match self.map.remove(key)? {
            Value::Bool(flag) => Some(flag),
            other => {
                self.fail(key, expected("boolean", &other));
                None
            }
        }
    }

    fn object(&mut self, key: &str) -> Option<Map<String, Value>> {
        match self.map.remove(key)? {
            Value::Object(map) => Some(map),
            other => {
                self.fail(key, not_an_object(&other));
                None
            }
        }
    }

    fn status(&mut self, key: &str) -> Option<Status> {
        let text = self.text(key)?;
        let status = Status::ALL.into_iter().find(|status| status.name() == text);
        if status.is_none() {
            let names = Status::ALL.map(Status::name).join(", ");
            self.fail(key, format!("Value must be one of: {names}."));
        }
        status
    }

    fn moment(&mut self, key: &str) -> Option<Option<Moment>> {
        let text = self.text(key)?;
        if text.is_empty() {
            return Some(None);
        }
        let moment = Moment::parse(&text);
        if moment.is_none() {
            self.fail(key, "This value is not a valid datetime.");
        }
        moment.map(Some)
    }

    fn interests(&mut self) -> Option<Vec<(String, bool)>> {
        let map = self.object("interests")?;
        let mut interests = Vec::with_capacity(map.len());
        for (id, value) in map {
            match value {
                Value::Bool(on) => interests.push((id, on)),
                other => self.fail(&format!("interests.{id}"), expected("boolean", &other)),
            }
        }
        Some(interests)
    }

    fn location(&mut self) -> Option<(f64, f64)> {
        let map = self.object("location")?;
        let degrees = |key: &str| map.get(key).and_then(Value::as_f64);
        Some((degrees("latitude").unwrap_or_default(), degrees("longitude").unwrap_or_default()))
    }

    fn tags(&mut self) -> Option<Vec<String>> {
        let list = match self.map.remove("tags")? {
            Value::Array(list) => list,
            other => {
                self.fail("tags", expected("array", &other));
                return None;
            }
        };
        let mut tags = Vec::with_capacity(list.len());
        for (position, value) in list.into_iter().enumerate() {
            match value {
                Value::String(name) => tags.push(name),
                other => self.fail(&format!("tags.item:{position}"), expected("string", &other)),
            }
        }
        Some(tags)
    }
}
