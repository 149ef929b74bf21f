//! Fetches whatever the audience names, and hands on every byte that the host let it see, in
//! hexadecimal; of an error, the host's words.

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, created, failed, get, hex, http, outcome, post, word};

struct Guest;

impl Plugin for Guest {
    fn prepare(path: String) -> Result<Vec<u8>, ProviderError> {
        let response = http::send(&get("api", &path)).map_err(|error| failed(word(&error)))?;
        let head = format!("{} {:?}\n", response.status, response.headers);
        Ok(hex(&[head.as_bytes(), &response.body].concat()).into_bytes())
    }

    /// Changes something there.
    fn push(path: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        let came = outcome(&post("api", &path));
        if came.starts_with("status ") { Ok(created(&writes)) } else { Err(failed(came)) }
    }
}

kit::plugin!(Guest);
