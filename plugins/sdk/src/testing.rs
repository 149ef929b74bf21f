//! A host that follows a script, for native tests of a plugin.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::Value;

use crate::http::{HttpError, Method, Request, Response};
use crate::job::{Job, Level, Transport};

/// A transport that answers requests in the order of its script and keeps what was sent.
#[derive(Default)]
pub struct Script {
    answers: RefCell<VecDeque<Result<Response, HttpError>>>,
    sent: RefCell<Vec<Request>>,
    settings: Vec<(String, String)>,
    notes: RefCell<Vec<String>>,
}

impl Script {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next answer: a status and a JSON body.
    #[must_use]
    pub fn answer(self, status: u16, body: &Value) -> Self {
        self.answer_text(status, &body.to_string())
    }

    /// The next answer: a status and a body as it stands.
    #[must_use]
    pub fn answer_text(self, status: u16, body: &str) -> Self {
        self.answers.borrow_mut().push_back(Ok(Response {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }));
        self
    }

    /// The next request gets no answer.
    #[must_use]
    pub fn failure(self, error: HttpError) -> Self {
        self.answers.borrow_mut().push_back(Err(error));
        self
    }

    /// With a setting of the account.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A job that runs by this script.
    pub fn job(&self) -> Job<'_> {
        Job::new(self)
    }

    /// The requests so far, as `METHOD /path`.
    pub fn lines(&self) -> Vec<String> {
        let sent = self.sent.borrow();
        sent.iter()
            .map(|request| {
                let method = match request.method {
                    Method::Get => "GET",
                    Method::Post => "POST",
                    Method::Put => "PUT",
                    Method::Patch => "PATCH",
                    Method::Delete => "DELETE",
                };
                format!("{method} {}", request.path)
            })
            .collect()
    }

    /// The body of the request of this number, counted from 0; null without a JSON body.
    pub fn body(&self, number: usize) -> Value {
        let sent = self.sent.borrow();
        let body = sent.get(number).and_then(|request| request.body.as_deref());
        body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Value::Null)
    }

    /// A pair of the query of the request of this number.
    pub fn query(&self, number: usize, name: &str) -> Option<String> {
        let sent = self.sent.borrow();
        let query = sent.get(number).map(|request| request.query.clone())?;
        query.into_iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Whether the request of this number said that repeating it does no harm.
    pub fn safe_to_repeat(&self, number: usize) -> Option<bool> {
        let sent = self.sent.borrow();
        sent.get(number).map(|request| request.safe_to_repeat)
    }

    /// How many answers of the script nobody asked for.
    pub fn unasked(&self) -> usize {
        self.answers.borrow().len()
    }

    /// The notes for the operator.
    pub fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }
}

impl Transport for Script {
    fn send(&self, request: &Request) -> Result<Response, HttpError> {
        self.sent.borrow_mut().push(request.clone());
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or_else(|| Err(HttpError::BudgetSpent("the script has no more answers".to_owned())))
    }

    fn log(&self, _: Level, message: &str, _: &[(String, String)]) {
        self.notes.borrow_mut().push(message.to_owned());
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.settings.clone()
    }

    fn now(&self) -> u64 {
        0
    }
}
