//! A request taken apart: method, path segments, query, JSON body.

use axum::http::request::Parts;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use crate::mailchimp::projection::Projection;
use crate::mailchimp::state::{Moment, Problem};

/// The path all of the API is below.
const API_ROOT: &str = "3.0";
/// The provider's page size when none is asked for (MC-05).
const DEFAULT_PAGE: usize = 10;
/// The provider's largest page (MC-05).
const LARGEST_PAGE: usize = 1000;
/// How many methods may be overridden: only POST carries the header.
const OVERRIDE_HEADER: &str = "x-http-method-override";

/// A page of a collection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) count: usize,
}

impl Page {
    /// The page's items, and how many there are in all.
    pub(super) fn cut<T>(self, items: impl Iterator<Item = T>) -> (Vec<T>, usize) {
        let mut total = 0;
        let mut page = Vec::new();
        for (position, item) in items.enumerate() {
            total += 1;
            if position >= self.offset && page.len() < self.count {
                page.push(item);
            }
        }
        (page, total)
    }
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Call {
    /// Upper case, after a method override.
    pub(super) method: String,
    /// The path as it was sent.
    pub(super) path: String,
    /// The query as it was sent.
    pub(super) query_text: String,
    query: Vec<(String, String)>,
    body: Result<Option<Value>, Problem>,
    override_refused: bool,
}

impl Call {
    pub(super) fn from_head(head: &Parts) -> Self {
        let mut method = head.method.as_str().to_owned();
        let mut override_refused = false;
        if let Some(wanted) = head.headers.get(OVERRIDE_HEADER) {
            let wanted = wanted.to_str().unwrap_or_default().to_ascii_uppercase();
            let known = ["GET", "PUT", "PATCH", "DELETE", "POST"].contains(&wanted.as_str());
            override_refused = method != "POST" || !known;
            if !override_refused {
                method = wanted;
            }
        }
        let query_text = head.uri.query().unwrap_or_default().to_owned();
        let query = form_urlencoded::parse(query_text.as_bytes()).into_owned().collect();
        Self { method, path: head.uri.path().to_owned(), query_text, query, body: Ok(None), override_refused }
    }

    /// Parses the body outside of any lock. A fault in it is told when somebody asks for it.
    pub(super) fn read_body(&mut self, bytes: &Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.body = serde_json::from_slice(bytes)
            .map(Some)
            .map_err(|_| Problem::new(400, "JSON Parse Error", "We encountered an unspecified JSON parsing error."));
    }

    /// Drops the second half of every list in the body.
    pub(super) fn halve(&mut self) {
        if let Ok(Some(Value::Object(map))) = &mut self.body {
            for list in map.values_mut().filter_map(Value::as_array_mut) {
                list.truncate(list.len().div_ceil(2));
            }
        }
    }

    /// The id of the audience that the path names.
    pub(super) fn audience(&self) -> Option<String> {
        let segments = self.segments().ok()?;
        match segments.as_slice() {
            [lists, id, ..] if lists == "lists" => Some(id.clone()),
            _ => None,
        }
    }

    /// The decoded path segments below the API's root.
    pub(super) fn segments(&self) -> Result<Vec<String>, Problem> {
        if self.override_refused {
            return Err(Problem::new(
                422,
                "Invalid Method Override",
                "The X-HTTP-Method-Override header can only be used with POST and a known method.",
            ));
        }
        let mut segments = self
            .path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned());
        if segments.next().as_deref() != Some(API_ROOT) {
            return Err(Problem::not_found());
        }
        Ok(segments.collect())
    }

    /// The JSON body, which must be there; can be taken once.
    pub(super) fn take_body(&mut self) -> Result<Value, Problem> {
        std::mem::replace(&mut self.body, Ok(None))?
            .ok_or_else(|| Problem::bad_request("The request needs a JSON body."))
    }

    /// The last value of a query parameter.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter().rev();
        pairs.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// A query parameter that is true or false; false when absent.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), Some("true" | "1"))
    }

    /// A query parameter that is a time.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Moment>, Problem> {
        match self.param(name) {
            None | Some("") => Ok(None),
            // In a query a plus sign is a blank; clients that do not encode it mean the offset.
            Some(text) => match Moment::parse(&text.replace(' ', "+")).or(Moment::parse(text)) {
                Some(moment) => Ok(Some(moment)),
                None => Err(Problem::invalid_field(name, "This value is not a valid datetime.")),
            },
        }
    }

    /// `count` and `offset` (MC-05).
    pub(super) fn page(&self) -> Result<Page, Problem> {
        let number = |name: &str, default: usize| match self.param(name) {
            None | Some("") => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| Problem::invalid_field(name, "This value should be a non-negative whole number.")),
        };
        Ok(Page { offset: number("offset", 0)?, count: number("count", DEFAULT_PAGE)?.min(LARGEST_PAGE) })
    }

    /// `fields` and `exclude_fields` (MC-06).
    pub(super) fn projection(&self) -> Projection {
        Projection::new(self.param("fields"), self.param("exclude_fields"))
    }
}
