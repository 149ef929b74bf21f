//! `postroom export`: contacts become a file.

use std::path::PathBuf;

use postroom_export::Format;
use postroom_import::Delimiter;
use postroom_service::export::{ExportContacts, ExportOf};
use postroom_service::segments::Which;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::room::Context;
use crate::table::counted;

/// Whom to export, and as what.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file; `-` writes to standard output
    file: PathBuf,
    /// Only those on this list
    #[arg(long, conflicts_with_all = ["segment", "condition"])]
    list: Option<String>,
    /// Only those in this segment
    #[arg(long, conflicts_with = "condition")]
    segment: Option<String>,
    /// Only those for whom this holds, as in 'consent = granted and tag("guest")'
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// csv, tsv or jsonl; otherwise as the file's name ends
    #[arg(long)]
    format: Option<String>,
    /// What stands between the cells of a CSV file: comma, semicolon, tab or pipe
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<Delimiter>,
    /// Begin a CSV file with a byte order mark, without which Excel misreads letters
    #[arg(long)]
    bom: bool,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

fn delimiter(text: &str) -> std::result::Result<Delimiter, String> {
    text.parse::<Delimiter>().map_err(|fault| fault.to_string())
}

impl Args {
    fn format(&self) -> Result<Format> {
        let by_name = || self.file.extension().and_then(|extension| extension.to_str()).unwrap_or("csv").to_owned();
        let format: Format = self
            .format
            .clone()
            .unwrap_or_else(by_name)
            .parse()
            .map_err(|fault: postroom_export::ExportFault| Failure::usage(fault.to_string()))?;
        match (format, self.delimiter, self.bom) {
            (Format::Csv { delimiter, .. }, given, bom) => {
                Ok(Format::Csv { delimiter: given.unwrap_or(delimiter), bom })
            }
            (format, None, false) => Ok(format),
            (..) => Err(Failure::usage("--delimiter and --bom are for CSV files only")),
        }
    }
}

pub(crate) async fn act(args: Args, context: &Context) -> Result<Exit> {
    let format = args.format()?;
    let of = match (args.list, args.segment, args.condition) {
        (Some(list), ..) => ExportOf::List(list),
        (None, Some(segment), _) => ExportOf::Segment(Which::Named(segment)),
        (None, None, Some(condition)) => ExportOf::Segment(Which::Written(condition)),
        (None, None, None) => ExportOf::Everyone,
    };
    let file = (args.file.as_os_str() != "-").then(|| context.file(args.file));
    let is_stream = file.is_none();
    let request = ExportContacts { of, format, file, replaces: args.force };
    let exported = context.reading()?.export_contacts(&request, &mut context.output.streams().answers_sent()).await?;
    if !is_stream {
        context.output.answer(&exported, |exported| {
            let file = exported.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
            format!("Wrote {} to {file}.", counted(exported.contacts, "contact", "contacts"))
        })?;
    }
    Ok(Exit::Done)
}
