//! Questions to the person at the terminal, and secrets on their way in.
//!
//! A secret is never an argument: it would stand in the shell's history and in the list of
//! processes. It comes from a prompt that shows nothing, from standard input or from a file.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::PathBuf;

use postroom_service::accounts::AccountForm;
use postroom_store::accounts::Secret;
use zeroize::Zeroizing;

use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::room::Context;

/// No credential is longer: a file beyond it is another file.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// How secrets are handed over.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct SecretArgs {
    /// A secret, by its slot: `SLOT` asks at the terminal, `SLOT=-` reads one line of standard input
    #[arg(long = "secret", value_name = "SLOT[=-]", value_parser = secret_source)]
    prompted: Vec<FromTerminal>,
    /// A secret from a file, whose one line it is
    #[arg(long = "secret-file", value_name = "SLOT=PATH", value_parser = secret_file)]
    files: Vec<(String, PathBuf)>,
}

#[derive(Debug, Clone)]
struct FromTerminal {
    slot: String,
    from_standard_input: bool,
}

fn secret_source(text: &str) -> std::result::Result<FromTerminal, String> {
    match text.split_once('=') {
        None => Ok(FromTerminal { slot: text.to_owned(), from_standard_input: false }),
        Some((slot, "-")) => Ok(FromTerminal { slot: slot.to_owned(), from_standard_input: true }),
        // What was typed is not repeated: it may be the secret itself.
        Some((slot, _)) => Err(format!(
            "a secret is never an argument, where others can read it: use `--secret {slot}=-` and standard input, or \
             `--secret-file {slot}=PATH`"
        )),
    }
}

fn secret_file(text: &str) -> std::result::Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((slot, path)) if !slot.is_empty() && !path.is_empty() => Ok((slot.to_owned(), PathBuf::from(path))),
        _ => Err("write the slot, `=`, and the file, as in api-key=key.txt".to_owned()),
    }
}

impl SecretArgs {
    /// Collects the secrets. With a form, slots that are needed and were not named are asked for,
    /// if somebody can be asked.
    pub(crate) fn collect(&self, form: Option<&AccountForm>, context: &Context) -> Result<BTreeMap<String, Secret>> {
        let output = &context.output;
        let mut secrets = BTreeMap::new();
        for (slot, path) in &self.files {
            enter(&mut secrets, slot, read_file(&context.file(path.clone()))?)?;
        }
        if self.prompted.iter().filter(|source| source.from_standard_input).count() > 1 {
            return Err(Failure::usage("standard input holds one secret: hand the others over as files"));
        }
        for source in &self.prompted {
            let secret = if source.from_standard_input {
                read_line(&mut output.streams().input())?
            } else {
                ask(&source.slot, output)?
            };
            enter(&mut secrets, &source.slot, secret)?;
        }
        for slot in form.iter().flat_map(|form| &form.auth_method.slots) {
            if !slot.optional && !secrets.contains_key(&slot.name) && output.can_ask() {
                enter(&mut secrets, &slot.name, ask(&slot.label, output)?)?;
            }
        }
        Ok(secrets)
    }
}

fn enter(secrets: &mut BTreeMap<String, Secret>, slot: &str, secret: Zeroizing<String>) -> Result<()> {
    if secret.is_empty() {
        return Err(Failure::bad_input(format!("the secret `{slot}` is empty")));
    }
    match secrets.insert(slot.to_owned(), Secret(secret)) {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!("the secret `{slot}` is given twice"))),
    }
}

fn read_file(path: &PathBuf) -> Result<Zeroizing<String>> {
    let unreadable = |error: std::io::Error| Failure::bad_input(format!("{} cannot be read: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_SECRET_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    one_line(&text, &path.display().to_string())
}

fn read_line(input: &mut impl BufRead) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = input.take(MAX_SECRET_BYTES).read_line(&mut text);
    read.map_err(|error| Failure::io("read the secret from standard input", &error))?;
    one_line(&text, "standard input")
}

/// The text without its line end; anything else around it is part of the secret.
fn one_line(text: &str, place: &str) -> Result<Zeroizing<String>> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains('\n') {
        return Err(Failure::bad_input(format!("{place} holds several lines: a secret is one line")));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn ask(label: &str, output: &Output) -> Result<Zeroizing<String>> {
    if !output.can_ask() {
        return Err(Failure::usage(format!(
            "nobody can be asked for the secret `{label}` here: use `--secret SLOT=-` and standard input, or \
             `--secret-file SLOT=PATH`"
        )));
    }
    output
        .streams()
        .hidden_line(&format!("{label}: "))
        .map(Zeroizing::new)
        .map_err(|error| Failure::io("read the secret from the terminal", &error))
}

/// Asks a question that is answered with `yes`; anything else is a no, and so is nobody to ask.
pub(crate) fn confirm(question: &str, output: &Output) -> Result<bool> {
    if !output.can_ask() {
        return Ok(false);
    }
    output.ask(&format!("{question} Type yes to go on: "));
    let mut answer = String::new();
    let read = output.streams().input().take(MAX_SECRET_BYTES).read_line(&mut answer);
    read.map_err(|error| Failure::io("read the answer from the terminal", &error))?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p4_a_secret_is_never_an_argument() {
        let error = secret_source("api-key=open sesame").unwrap_err();
        assert!(error.contains("--secret api-key=-") && !error.contains("sesame"), "{error}");
        assert!(secret_source("api-key=-").unwrap().from_standard_input);
        assert!(!secret_source("api-key").unwrap().from_standard_input);
    }

    #[test]
    fn a_secret_is_one_line_with_its_spaces() {
        assert_eq!(read_line(&mut " open sesame \r\nmore\n".as_bytes()).unwrap().as_str(), " open sesame ");
        assert!(one_line("a\nb\n", "key.txt").is_err());
        let mut secrets = BTreeMap::new();
        assert!(enter(&mut secrets, "api-key", Zeroizing::new(String::new())).is_err());
        assert!(enter(&mut secrets, "api-key", Zeroizing::new("k".to_owned())).is_ok());
        assert!(enter(&mut secrets, "api-key", Zeroizing::new("k".to_owned())).is_err());
    }
}
