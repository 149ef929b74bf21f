//! What the program's end means: one table, shown by `postroom --help`.

use std::process::ExitCode;

use postroom_service::ErrorKind;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// The program or the machine failed.
    Internal,
    /// The command line is wrong.
    Usage,
    /// What was asked for is wrong, missing, or contradicts what is there.
    BadInput,
    /// The run came to its end, and some contacts failed.
    FailedContacts,
    /// It stopped and asks for a yes.
    NeedsApproval,
    /// Another process holds the store.
    Held,
    /// There is no usable store.
    Unusable,
    /// The provider is out of reach, or does not let the account in.
    Provider,
    /// The run stopped before its end.
    Stopped,
}

impl Exit {
    /// Every end, with its number and what it means.
    pub(crate) const TABLE: [(Self, u8, &'static str); 10] = [
        (Self::Done, 0, "done"),
        (Self::Internal, 1, "the program or the machine failed"),
        (Self::Usage, 2, "the command line is wrong"),
        (Self::BadInput, 3, "what was asked for is wrong, is not there, or contradicts what is there"),
        (Self::FailedContacts, 4, "the run came to its end, and some contacts failed"),
        (Self::NeedsApproval, 5, "it stopped and asks: its last line says what to type"),
        (Self::Held, 6, "another process holds the store"),
        (Self::Unusable, 7, "there is no usable store: none, a newer one, or a lost key"),
        (Self::Provider, 8, "the provider is out of reach, or does not let the account in"),
        (Self::Stopped, 9, "the run stopped before its end; what it did is recorded"),
    ];

    /// Its number.
    pub(crate) fn number(self) -> u8 {
        Self::TABLE.iter().find(|(exit, ..)| *exit == self).map_or(1, |(_, number, _)| *number)
    }

    /// The table as `--help` shows it.
    pub(crate) fn help() -> String {
        let rows = Self::TABLE.iter().map(|(_, number, meaning)| format!("  {number}  {meaning}\n"));
        format!("Exit codes:\n{}", rows.collect::<String>())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::BadInput | ErrorKind::NotFound | ErrorKind::Conflict => Self::BadInput,
            ErrorKind::NeedsApproval => Self::NeedsApproval,
            ErrorKind::Held => Self::Held,
            ErrorKind::Unusable => Self::Unusable,
            ErrorKind::Provider => Self::Provider,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_scripts_rely_on() {
        let numbers = Exit::TABLE.map(|(_, number, _)| number);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        for (exit, number, meaning) in Exit::TABLE {
            assert_eq!(exit.number(), number);
            assert!(Exit::help().contains(&format!("{number}  {meaning}")));
        }
    }

    #[test]
    fn every_kind_of_error_has_its_number() {
        let numbers = [
            (ErrorKind::Internal, 1),
            (ErrorKind::BadInput, 3),
            (ErrorKind::NotFound, 3),
            (ErrorKind::Conflict, 3),
            (ErrorKind::NeedsApproval, 5),
            (ErrorKind::Held, 6),
            (ErrorKind::Unusable, 7),
            (ErrorKind::Provider, 8),
        ];
        for (kind, number) in numbers {
            assert_eq!(Exit::from(kind).number(), number, "{kind:?}");
        }
    }
}
