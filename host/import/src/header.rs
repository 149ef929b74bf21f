//! The first record: the names of the columns.

use postroom_domain::email::EmailAddress;

use crate::cell;
use crate::fault::{ImportFault, at};
use crate::records::Format;

/// Checks the header and gives the names of its columns, cleaned.
///
/// A nameless last column is the trace of a delimiter at the end of each line, and is no column.
pub(crate) fn names<'a>(
    format: &Format,
    line: u64,
    cells: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, ImportFault> {
    let place = at(&format.path, line);
    let mut names: Vec<String> = cells.map(|cell| cell::clean(cell).into_owned()).collect();
    while names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    if let Some(address) = names.iter().find(|name| EmailAddress::parse(name).is_ok()) {
        let delimiter = char::from(format.delimiter.byte());
        let example = format!("E-mail{delimiter}First name{delimiter}Last name");
        return Err(ImportFault::HeaderIsRow { at: place, address: address.clone(), example });
    }
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(ImportFault::NamelessColumn { at: place, number: index + 1 });
        }
        if let Some(first) = names.iter().take(index).position(|earlier| earlier == name) {
            return Err(ImportFault::SameName { at: place, name: name.clone(), first: first + 1, second: index + 1 });
        }
    }
    Ok(names)
}
