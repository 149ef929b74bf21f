//! The first record: the names of the columns.

use std::path::Path;

use postroom_domain::email::EmailAddress;

use crate::cell;
use crate::delimiter::Delimiter;
use crate::fault::{ImportFault, at};

/// The most columns that a file has. Reports of hotels and shops have some hundreds; beyond this a line
/// break or a delimiter is wrong, and every row would be wide for nothing.
pub(crate) const MAX_COLUMNS: usize = 2_000;

/// Checks the header and gives the names of its columns, cleaned.
///
/// A nameless last column is the trace of a delimiter at the end of each line, and is no column.
pub(crate) fn names<'a>(
    path: &Path,
    delimiter: Delimiter,
    line: u64,
    cells: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, ImportFault> {
    let place = at(path, line);
    let mut names: Vec<String> = cells.map(|cell| cell::clean(cell).into_owned()).collect();
    while names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    if names.len() > MAX_COLUMNS {
        return Err(ImportFault::TooManyColumns { at: place, columns: names.len(), most: MAX_COLUMNS });
    }
    if let Some(address) = names.iter().find(|name| EmailAddress::parse(name).is_ok()) {
        let delimiter = char::from(delimiter.byte());
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
