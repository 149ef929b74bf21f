//! `postroom import`: a file becomes contacts and a list.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use postroom_domain::field::PhoneCountry;
use postroom_domain::purpose::PurposeName;
use postroom_import::{Column, DateOrder, Delimiter, Options, ToldBy};
use postroom_service::import::{FileSummary, ImportFile, ImportPreview, Imported, LeftOutCell, ProfileSaved};
use postroom_store::lists::ImportMode;

use super::import_columns;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::Bar;
use crate::room::Context;
use crate::shell;
use crate::table::{self, counted, grouped, numbers};

/// What to import, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A CSV or TSV file with a header, or JSON Lines; either may be packed (gzip)
    file: PathBuf,
    /// The list that it fills; made if it is not there. Without one, contacts are written only
    #[arg(long)]
    list: Option<String>,
    /// Whether the rows join the list, or are the list: then who is not in the file leaves it
    #[arg(long, value_enum, default_value = "add")]
    mode: Mode,
    /// Let a file without rows empty the list that it replaces; most often it is an export that failed
    #[arg(long, requires = "list")]
    allow_empty: bool,
    /// A column and the place it goes to, as in 'Given name=firstname', 'Town=address.city', 'Agreed=consent.status' or
    /// 'Notes=-'
    #[arg(long = "map", value_name = "COLUMN=PLACE", value_parser = rule)]
    map: Vec<(String, String)>,
    /// The column with the e-mail addresses
    #[arg(long, value_name = "COLUMN")]
    email: Option<String>,
    /// The column with the contacts' numbers in the system that the file comes from
    #[arg(long, value_name = "COLUMN")]
    key: Option<String>,
    /// Who of the file has agreed; withdrawals and bounces that its rows tell of are recorded in any case, and where a
    /// column says who agreed, whose row does not plainly say yes, granted or subscribed gets no grant. Cells of it that
    /// are not understood are named
    #[arg(long, value_enum)]
    consent: Option<Consent>,
    /// What shows the consent that all have given, such as the form and its day
    #[arg(long, value_name = "TEXT", requires = "consent", required_if_eq("consent", "granted"))]
    evidence: Option<String>,
    /// A purpose for which all have agreed too; can be repeated
    #[arg(long = "purpose", value_name = "NAME", requires = "evidence")]
    purposes: Vec<PurposeName>,
    /// What comes first in dates such as 04/05/2026; where nobody says it, the day, and the answer tells how many
    /// dates could be either
    #[arg(long, value_enum)]
    dates: Option<Dates>,
    /// The country, such as CZ, whose phone numbers stand in the file as they are dialled there, without its code
    #[arg(long, value_name = "COUNTRY")]
    phones_of: Option<PhoneCountry>,
    /// Read the file as a saved import profile says; what else is said here wins over it
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Keep how the file was read, as an import profile for the next one
    #[arg(long, value_name = "NAME")]
    save_profile: Option<String>,
    /// An empty cell empties its field; otherwise it says nothing
    #[arg(long)]
    clear_empty: bool,
    /// The encoding, such as utf-8 or windows-1250; otherwise it is detected
    #[arg(long)]
    encoding: Option<String>,
    /// What stands between cells: comma, semicolon, tab or pipe; otherwise it is detected
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<Delimiter>,
    /// Where rows go that can't be taken; otherwise beside the file
    #[arg(long, value_name = "PATH")]
    rejects: Option<PathBuf>,
    /// Where it is written which cells did not fit and were left out; otherwise beside the file
    #[arg(long, value_name = "PATH")]
    left_out: Option<PathBuf>,
    /// Read and count everything, show where each column would go and why, and write no contact and no list
    #[arg(long)]
    dry_run: bool,
}

/// How a file meets its list.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// Its rows join the list
    Add,
    /// Its rows are the list
    Replace,
}

/// What comes first in dates.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dates {
    /// 04/05/2026 is the fourth of May
    DayFirst,
    /// 04/05/2026 is the fifth of April
    MonthFirst,
}

impl From<Dates> for DateOrder {
    fn from(dates: Dates) -> Self {
        match dates {
            Dates::DayFirst => Self::DayFirst,
            Dates::MonthFirst => Self::MonthFirst,
        }
    }
}

/// The consents that a file can state.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Consent {
    /// All of its contacts, as --evidence shows
    Granted,
    /// Those of whom its rows say so, with what the rows say as evidence
    FromFile,
}

fn rule(text: &str) -> std::result::Result<(String, String), String> {
    Options::read_rule(text).map_err(|fault| fault.to_string())
}

fn delimiter(text: &str) -> std::result::Result<Delimiter, String> {
    text.parse::<Delimiter>().map_err(|fault| fault.to_string())
}

impl Args {
    fn into_request(self) -> Result<(ImportFile, bool)> {
        let believes_file = matches!(self.consent, Some(Consent::FromFile));
        if believes_file && self.evidence.is_some() {
            return Err(Failure::usage(
                "--evidence shows a consent that all contacts have given, and with `--consent from-file` each row has \
                 its own: leave one of them out",
            ));
        }
        let request = ImportFile {
            file: self.file,
            list: self.list,
            mode: match self.mode {
                Mode::Add => ImportMode::Add,
                Mode::Replace => ImportMode::Replace,
            },
            may_empty: self.allow_empty,
            options: Options {
                encoding: self.encoding,
                delimiter: self.delimiter,
                map: self.map,
                key: self.key,
                email: self.email,
                clear_empty: self.clear_empty,
                date_order: self.dates.map(DateOrder::from),
                phones_of: self.phones_of,
                profile: None,
            },
            profile: self.profile,
            save_profile: self.save_profile,
            consent_evidence: self.evidence,
            consent_purposes: self.purposes,
            believes_file,
            rejects: self.rejects,
            left_out: self.left_out,
        };
        Ok((request, self.dry_run))
    }
}

pub(crate) async fn act(args: Args, context: &Context) -> Result<Exit> {
    let (mut request, dry_run) = args.into_request()?;
    let file = std::mem::take(&mut request.file);
    request.file = context.file(file.clone());
    request.rejects = request.rejects.map(|rejects| context.file(rejects));
    request.left_out = request.left_out.map(|left_out| context.file(left_out));
    if dry_run {
        // A profile is the one thing that a dry run may write.
        let service = if request.save_profile.is_some() { context.writing("import")? } else { context.reading()? };
        let preview = service.preview_import(request).await?;
        context.output.answer(&preview, |preview| previewed(preview, &file))?;
        return Ok(Exit::Done);
    }
    let service = context.writing("import")?;
    let bar = Bar::new(&context.output, "rows");
    let mut imported = service.import(request, &|progress| bar.at(progress.done, progress.rows)).await?;
    drop(bar);
    let named = |file: Option<PathBuf>| file.map(|file| context.named(&file).to_owned());
    imported.rejects_file = named(imported.rejects_file);
    imported.left_out_file = named(imported.left_out_file);
    context.output.answer(&imported, done)?;
    Ok(Exit::Done)
}

/// What the file is.
fn source(source: &FileSummary) -> String {
    let guessed = if source.encoding_guessed { ", as its letters suggest" } else { "" };
    let form = match source.delimiter {
        Some('\t') => "tabs between cells".to_owned(),
        Some(delimiter) => format!("`{delimiter}` between cells"),
        None => "a JSON object on each line".to_owned(),
    };
    let packed = if source.packed { ", packed" } else { "" };
    let known = source.known.map(|known| format!("It is {}.\n", known.title)).unwrap_or_default();
    format!(
        "{}: {}, {form}, {}{guessed}{packed}\n{known}",
        table::visible(&source.file),
        counted(source.rows, "row", "rows"),
        source.encoding,
    )
}

/// Where its columns went.
fn columns(source: &FileSummary) -> String {
    let columns: Vec<String> = source.columns.iter().filter_map(column).collect();
    let unused = source.columns.iter().filter(|column| column.target.is_none());
    let unused: Vec<String> = unused.map(|column| table::visible(&column.name)).collect();
    let unused =
        if unused.is_empty() { String::new() } else { format!("Kept with the row, not used: {}\n", unused.join(", ")) };
    let is_by_name = |column: &Column| matches!(column.told_by, ToldBy::KnownFile | ToldBy::Name | ToldBy::Cells);
    let by_name = if source.columns.iter().any(is_by_name) {
        "Where nothing was said, the columns' names decided; --map says otherwise.\n"
    } else {
        ""
    };
    format!("Columns: {}\n{unused}{by_name}", columns.join(", "))
}

fn column(column: &Column) -> Option<String> {
    column.target.as_ref().map(|target| format!("{} → {target}", table::visible(&column.name)))
}

fn done(answer: &Imported) -> String {
    let counts = &answer.counts;
    let mut text = source(&answer.source);
    text.push_str(&columns(&answer.source));
    text.push('\n');
    let rows = [
        ("created", counts.created, "new contacts"),
        ("updated", counts.updated, "contacts with other values"),
        ("unchanged", counts.unchanged, "contacts that were so already"),
        ("duplicate", counts.duplicate, "rows of a contact that an earlier row has"),
        ("invalid", counts.invalid, "rows without a usable e-mail address"),
        ("rejected", answer.rejected, "rows that could not be taken"),
    ];
    text.push_str(&numbers(rows));
    let mut more = Vec::new();
    if answer.taken_up > 0 {
        more.push(format!(
            "This file was cut short before: its first {} done already",
            counted(answer.taken_up, "row was", "rows were")
        ));
    }
    if counts.renamed > 0 {
        more.push(format!("{} got a new address", counted(counts.renamed, "contact", "contacts")));
    }
    if counts.consent_recorded > 0 {
        more.push(format!("{} recorded", counted(counts.consent_recorded, "grant was", "grants were")));
    }
    if counts.consent_not_granted > 0 {
        more.push(format!(
            "{} no grant: their rows do not say that they agreed",
            counted(counts.consent_not_granted, "contact got", "contacts got")
        ));
    }
    if counts.consent_kept_granted > 0 {
        more.push(format!(
            "{} so, though their rows do not say that they agreed: that is no withdrawal",
            counted(counts.consent_kept_granted, "contact was granted and stays", "contacts were granted and stay")
        ));
    }
    if counts.consent_not_believed > 0 {
        more.push(format!(
            "{} that they agreed, and no grant was recorded: `--consent from-file` says that the file is to be believed",
            counted(counts.consent_not_believed, "contact's row says", "contacts' rows say")
        ));
    }
    if counts.purposes_recorded > 0 {
        let grants = counted(counts.purposes_recorded, "grant for a purpose was", "grants for purposes were");
        more.push(format!("{grants} recorded"));
    }
    if counts.purposes_kept_withdrawn > 0 {
        let withdrawals =
            counted(counts.purposes_kept_withdrawn, "withdrawal for a purpose stays", "withdrawals for purposes stay");
        more.push(withdrawals);
    }
    if counts.opt_outs_recorded > 0 {
        let events = counted(counts.opt_outs_recorded, "withdrawal or bounce was", "withdrawals and bounces were");
        more.push(format!("{events} recorded, as the file says"));
    }
    if counts.tagged > 0 {
        more.push(format!("{} tagged", counted(counts.tagged, "contact was", "contacts were")));
    }
    if counts.consent_kept_withdrawn > 0 {
        more.push(format!(
            "{} so",
            counted(
                counts.consent_kept_withdrawn,
                "contact had withdrawn and stays",
                "contacts had withdrawn and stay"
            )
        ));
    }
    if let Some(list) = &answer.list {
        more.push(format!(
            "{} joined {} and {} left",
            counted(counts.joined, "entry", "entries"),
            table::visible(list),
            grouped(counts.left)
        ));
    }
    text.push('\n');
    text.extend(more.into_iter().map(|line| format!("{line}.\n")));
    text.push_str(&leavers(&answer.leavers, answer.leavers.len() < usize::try_from(counts.left).unwrap_or(usize::MAX)));
    text.push_str(&left_out(answer.left_out, &answer.left_out_cells));
    if let Some(file) = &answer.left_out_file {
        text.push_str(&format!(
            "All of them are in {}: mend them in the file, and import that again.\n",
            file.display()
        ));
    }
    text.push_str(&erased(answer.erased, &answer.erased_lines));
    if let Some(file) = &answer.rejects_file {
        text.push_str(&format!(
            "The rejected rows and their reasons are in {}: mend them and import it.\n",
            file.display()
        ));
    }
    text.push_str(&saved(answer.saved_profile.as_ref()));
    text.push_str(&warnings(&answer.warnings));
    text
}

fn previewed(answer: &ImportPreview, file: &Path) -> String {
    let mut text = source(&answer.source);
    text.push('\n');
    text.push_str(&import_columns::page(answer, file));
    text.push_str("\nThis was a dry run: no contact and no list was written.\n\n");
    let rows = [
        ("created", answer.created, "new contacts"),
        ("known", answer.contacts - answer.created, "contacts that are there already"),
        ("duplicate", answer.duplicate, "rows of a contact that an earlier row has"),
        ("invalid", answer.invalid, "rows without a usable e-mail address"),
        ("rejected", answer.rejected, "rows that would not be taken"),
    ];
    text.push_str(&numbers(rows));
    if answer.consent_not_granted > 0 {
        text.push_str(&format!(
            "\n{} no grant: their rows do not say that they agreed.\n",
            counted(answer.consent_not_granted, "contact would get", "contacts would get")
        ));
    }
    if answer.mode == ImportMode::Replace {
        text.push_str(&format!("\n{} would leave the list.\n", counted(answer.leaving, "contact", "contacts")));
        text.push_str(&leavers(
            &answer.leavers,
            answer.leavers.len() < usize::try_from(answer.leaving).unwrap_or(usize::MAX),
        ));
    }
    text.push_str(&left_out(answer.left_out, &answer.left_out_cells));
    for row in &answer.rejects {
        text.push_str(&format!("  line {}: {}\n", row.line, table::visible(&row.reason)));
    }
    text.push_str(&saved(answer.saved_profile.as_ref()));
    text.push_str(&warnings(&answer.warnings));
    text
}

fn saved(profile: Option<&ProfileSaved>) -> String {
    let Some(ProfileSaved { name, is_new }) = profile else { return String::new() };
    let did = if *is_new { "Saved" } else { "Replaced" };
    let line = shell::line(["postroom", "import", "FILE", "--profile", name.as_str()]);
    format!("{did} the import profile {}: `{line}` reads the next file in this way.\n", table::visible(name))
}

fn leavers(leavers: &[String], are_more: bool) -> String {
    if leavers.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = leavers.iter().map(|email| table::visible(email)).collect();
    format!("Who leaves: {}{}\n", shown.join(", "), if are_more { ", …" } else { "" })
}

fn left_out(count: u64, cells: &[LeftOutCell]) -> String {
    if count == 0 {
        return String::new();
    }
    let mut text = format!("{} left out; the rest of the row went:\n", counted(count, "cell was", "cells were"));
    for cell in cells {
        text.push_str(&format!("  line {}, {}: {}\n", cell.line, cell.field, table::visible(&cell.reason)));
    }
    text
}

fn erased(count: u64, lines: &[u64]) -> String {
    if count == 0 {
        return String::new();
    }
    let shown: Vec<String> = lines.iter().map(u64::to_string).collect();
    let more = if shown.len() < usize::try_from(count).unwrap_or(usize::MAX) { ", …" } else { "" };
    format!(
        "{} of people who were erased on request, and kept nowhere: leave them out of the file (lines {}{more}).\n",
        counted(count, "rejected row is", "rejected rows are"),
        shown.join(", "),
    )
}

fn warnings(warnings: &[String]) -> String {
    warnings.iter().map(|warning| format!("Note: {}.\n", table::visible(warning))).collect()
}
