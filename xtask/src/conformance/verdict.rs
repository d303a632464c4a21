//! What a party did with a cell, and what that means for the pair of a writer and a reader.

use super::cell::Cell;

/// What was read: the digest of the elements in C order, each little-endian, and what the array says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// SHA-256 in hexadecimal digits.
    pub(crate) sha256: String,
    /// The data type in the party's own words.
    pub(crate) dtype: String,
    /// Lengths of the dimensions.
    pub(crate) shape: Vec<u64>,
}

/// Why a party has nothing to show for a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It does not know the combination.
    Refused(String),
    /// An error of its own that `faults.rs` declares.
    Declared(String),
    /// It knows it, and something went wrong.
    Failed(String),
    /// It is not there.
    Absent(String),
}

/// What a party did: wrote (`()`) or read a cell.
pub(crate) type Outcome<T> = Result<T, Trouble>;

/// What a pair of a writer and a reader comes to in one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The reader saw the values.
    Passed,
    /// The values differ, or one of the two failed.
    Failed(String),
    /// One of the two does not know the combination.
    Refused(String),
    /// One of the two is not there.
    Skipped(String),
}

/// Judges what one wrote and the other read.
///
/// A reader's refusal is believed only where the reader cannot read what it writes of that combination itself:
/// else the writer's array is at fault.
pub(crate) fn judge(
    cell: &Cell,
    written: &Outcome<()>,
    read: impl FnOnce() -> Outcome<Reading>,
    reader_reads_its_own: bool,
) -> Verdict {
    match written {
        Ok(()) => {}
        Err(Trouble::Refused(message) | Trouble::Declared(message)) => {
            return Verdict::Refused(message.clone());
        }
        Err(Trouble::Failed(message)) => return Verdict::Failed(message.clone()),
        Err(Trouble::Absent(message)) => return Verdict::Skipped(message.clone()),
    }
    match read() {
        Ok(reading) => compare(cell, &reading).map_or(Verdict::Passed, Verdict::Failed),
        Err(Trouble::Refused(message)) if reader_reads_its_own => {
            Verdict::Failed(format!("refuses this array, though it reads its own: {message}"))
        }
        Err(Trouble::Refused(message) | Trouble::Declared(message)) => Verdict::Refused(message),
        Err(Trouble::Failed(message)) => Verdict::Failed(message),
        Err(Trouble::Absent(message)) => Verdict::Skipped(message),
    }
}

/// What differs from the expected, if anything.
pub(crate) fn compare(cell: &Cell, reading: &Reading) -> Option<String> {
    if reading.shape != cell.shape {
        return Some(format!(
            "the shape {:?} is read as {:?}",
            cell.shape, reading.shape
        ));
    }
    if !cell.dtype.is_named(&reading.dtype) {
        return Some(format!(
            "the data type {} is read as {}",
            cell.dtype.text, reading.dtype
        ));
    }
    (reading.sha256 != cell.expected())
        .then(|| format!("the values of {} {:?} differ", cell.dtype.text, cell.shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::grid;

    fn right(cell: &Cell) -> Reading {
        Reading {
            sha256: cell.expected(),
            dtype: cell.dtype.text.into(),
            shape: cell.shape.clone(),
        }
    }

    #[test]
    fn equal_values_pass_and_others_fail() {
        let cell = &grid::cells(true)[0];
        assert_eq!(judge(cell, &Ok(()), || Ok(right(cell)), true), Verdict::Passed);
        for wrong in [
            Reading {
                sha256: "00".into(),
                ..right(cell)
            },
            Reading {
                dtype: "<i8".into(),
                ..right(cell)
            },
            Reading {
                shape: vec![35],
                ..right(cell)
            },
        ] {
            assert!(matches!(
                judge(cell, &Ok(()), || Ok(wrong), true),
                Verdict::Failed(_)
            ));
        }
    }

    #[test]
    fn a_refusal_is_believed_only_of_who_cannot_read_its_own() {
        let cell = &grid::cells(true)[0];
        let refuse = || Err(Trouble::Refused("no".into()));
        assert_eq!(judge(cell, &Ok(()), refuse, false), Verdict::Refused("no".into()));
        assert!(matches!(judge(cell, &Ok(()), refuse, true), Verdict::Failed(_)));
        let declared = || Err(Trouble::Declared("no".into()));
        assert_eq!(
            judge(cell, &Ok(()), declared, true),
            Verdict::Refused("no".into())
        );
    }

    #[test]
    fn who_is_absent_is_skipped() {
        let cell = &grid::cells(true)[0];
        let absent = || Err(Trouble::Absent("away".into()));
        assert_eq!(
            judge(cell, &Ok(()), absent, false),
            Verdict::Skipped("away".into())
        );
    }
}
