//! Faults of the other implementations that no array of ours can avoid.
//!
//! A declared fault counts as refused and is shown with its reason; every other error of a peer fails the job.

use super::cell::{Cell, Shards};
use super::verdict::{Trouble, Verdict};

/// What a party does with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It writes the array.
    Write,
    /// It reads the array.
    Read,
}

/// An error that is known: whose, at what, for which cells, and what happens.
struct Fault {
    party: &'static str,
    action: Action,
    concerns: fn(&Cell) -> bool,
    /// A part of the message by which the error is known.
    message: &'static str,
    reason: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        party: "tensorstore",
        action: Action::Write,
        concerns: |cell| cell.format == 3 && cell.dtype.kind == 'V',
        message: "the process died",
        reason: "the process aborts where the metadata of a new array has the data type raw_bytes",
    },
    Fault {
        party: "tensorstore",
        action: Action::Read,
        concerns: |cell| cell.format == 2 && cell.dtype.kind == 'S',
        message: "base64-encoded bytes, but received",
        reason: "wants the fill value as long as the type; zarr-python 2 and 3 write it without NULs at the end, and so do we",
    },
    Fault {
        party: "zarrs",
        action: Action::Read,
        concerns: |cell| cell.dtype.is_variable() && cell.order == 'F',
        message: "which are out-of-bounds of array shape",
        reason: "mixes up the shape of a transposed chunk whose elements are of any length",
    },
    Fault {
        party: "zarrs",
        action: Action::Read,
        concerns: |cell| cell.format == 2 && cell.dtype.is_variable() && cell.codec.contains("blosc"),
        message: "panicked",
        reason: "panics where elements of any length are compressed with Blosc in format 2",
    },
    Fault {
        party: "zarrs",
        action: Action::Read,
        concerns: |cell| cell.order == 'F' && cell.codec == "pcodec",
        message: "which are out-of-bounds of array shape",
        reason: "mixes up the shape of a transposed chunk of pcodec, of its own arrays too",
    },
    Fault {
        party: "zarrs",
        action: Action::Read,
        concerns: |cell| cell.dtype.is_variable() && cell.codec.contains("reshape"),
        message: "incompatible dimensionality",
        reason: "mixes up the shape of a reshaped chunk whose elements are of any length",
    },
    Fault {
        party: "zarrs",
        action: Action::Read,
        concerns: |cell| cell.codec.contains("v3 packbits") && cell.dtype.kind != 'b',
        message: "the size of a decoded chunk is",
        reason: "has no count of unused bits where elements have whole bytes, as the extension demands it",
    },
    Fault {
        party: "zarrs",
        action: Action::Read,
        concerns: |cell| cell.dtype.is_variable() && cell.codec.contains("fletcher32"),
        message: "the checksum is invalid",
        reason: "its Fletcher-32 of such chunks is not that of numcodecs, which zarr-python 2 and 3 have as we do",
    },
];

/// Arrays that a party writes otherwise than their documents say, so that no reader can see the values.
struct Spoilt {
    party: &'static str,
    concerns: fn(&Cell) -> bool,
    /// A part of the message by which the failure is known.
    message: &'static str,
    reason: &'static str,
}

const SPOILT: &[Spoilt] = &[
    Spoilt {
        party: "zarrs",
        concerns: |cell| cell.dtype.is_variable() && cell.codec.contains("fletcher32"),
        message: "codec `fletcher32`: checksum is",
        reason: "its Fletcher-32 of such chunks is not that of numcodecs, which zarr-python 2 and 3 have as we do",
    },
    Spoilt {
        party: "zarrs",
        concerns: |cell| cell.codec == "v3 packbits+gzip" && cell.dtype.kind != 'b',
        message: "its shape and data type demand",
        reason: "has no count of unused bits where elements have whole bytes; we do without it where packbits is the last codec alone",
    },
    Spoilt {
        party: "zarrs",
        concerns: |cell| cell.dtype.is_variable() && cell.shards != Shards::None && !cell.edges.is_empty(),
        message: "differ",
        reason: "leaves out inner chunks of empty texts whatever the fill value is, which zarr-python 3 then reads as we do",
    },
];

/// The verdict on what a writer wrote, where its failure is the writer's declared fault.
pub(crate) fn spoilt(writer: &str, cell: &Cell, verdict: Verdict) -> Verdict {
    let Verdict::Failed(message) = &verdict else {
        return verdict;
    };
    let is_known = |spoilt: &&Spoilt| {
        spoilt.party == writer && (spoilt.concerns)(cell) && message.contains(spoilt.message)
    };
    match SPOILT.iter().find(is_known) {
        Some(spoilt) => Verdict::Refused(format!("(declared of {writer}: {}) {message}", spoilt.reason)),
        None => verdict,
    }
}

/// Marks an error that is declared.
pub(crate) fn declare(party: &str, action: Action, cell: &Cell, trouble: Trouble) -> Trouble {
    let (Trouble::Failed(message) | Trouble::Refused(message)) = &trouble else {
        return trouble;
    };
    let is_known = |fault: &&Fault| {
        let is_of_party = fault.party == party && fault.action == action;
        is_of_party && (fault.concerns)(cell) && message.contains(fault.message)
    };
    let fault = FAULTS.iter().find(is_known);
    fault.map_or_else(
        || trouble.clone(),
        |fault| Trouble::Declared(format!("(declared: {}) {message}", fault.reason)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::grid;

    #[test]
    fn only_what_its_writer_spoils_is_excused() {
        let cells = grid::cells(true);
        let text = cells
            .iter()
            .find(|cell| cell.dtype.kind == 'T' && cell.shards == Shards::Plain && !cell.edges.is_empty())
            .unwrap();
        let failed = || Verdict::Failed("the values differ".into());
        assert!(matches!(spoilt("zarrs", text, failed()), Verdict::Refused(_)));
        assert_eq!(spoilt("ours", text, failed()), failed());
        assert_eq!(spoilt("zarrs", &cells[0], failed()), failed());
        let other = || Verdict::Failed("no such file".into());
        assert_eq!(spoilt("zarrs", text, other()), other());
        assert_eq!(spoilt("zarrs", text, Verdict::Passed), Verdict::Passed);
    }

    #[test]
    fn only_the_declared_failure_is_marked() {
        let cells = grid::cells(true);
        let raw = cells
            .iter()
            .find(|cell| cell.format == 3 && cell.dtype.kind == 'V')
            .unwrap();
        let failed = || Trouble::Failed("the process died".into());
        let declared = declare("tensorstore", Action::Write, raw, failed());
        assert!(matches!(declared, Trouble::Declared(message) if message.contains("declared:")));
        let other = || Trouble::Failed("disk full".into());
        assert_eq!(declare("tensorstore", Action::Write, raw, other()), other());
        assert_eq!(declare("tensorstore", Action::Read, raw, failed()), failed());
        assert_eq!(declare("zarrs", Action::Write, raw, failed()), failed());
        assert_eq!(
            declare("tensorstore", Action::Write, &cells[0], failed()),
            failed()
        );
    }
}
