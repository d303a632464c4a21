//! Faults of the other implementations that no array of ours can avoid.
//!
//! A declared fault counts as refused and is shown with its reason; every other error of a peer fails the job.

use super::cell::Cell;
use super::verdict::Trouble;

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
    reason: &'static str,
}

const FAULTS: &[Fault] = &[Fault {
    party: "tensorstore",
    action: Action::Write,
    concerns: |cell| cell.format == 3 && cell.dtype.kind == 'V',
    reason: "the process aborts where the metadata of a new array has the data type raw_bytes",
}];

/// Turns a failure that is declared into a refusal.
pub(crate) fn declare(party: &str, action: Action, cell: &Cell, trouble: Trouble) -> Trouble {
    let concerns = |fault: &&Fault| fault.party == party && fault.action == action && (fault.concerns)(cell);
    match (FAULTS.iter().find(concerns), trouble) {
        (Some(fault), Trouble::Failed(message)) => {
            Trouble::Refused(format!("{message} (declared: {})", fault.reason))
        }
        (_, trouble) => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::grid;

    #[test]
    fn only_the_declared_failure_becomes_a_refusal() {
        let cells = grid::cells(true);
        let raw = cells
            .iter()
            .find(|cell| cell.format == 3 && cell.dtype.kind == 'V')
            .unwrap();
        let failed = || Trouble::Failed("died".into());
        let declared = declare("tensorstore", Action::Write, raw, failed());
        assert!(matches!(declared, Trouble::Refused(message) if message.contains("declared")));
        assert_eq!(declare("tensorstore", Action::Read, raw, failed()), failed());
        assert_eq!(declare("zarrs", Action::Write, raw, failed()), failed());
        assert_eq!(
            declare("tensorstore", Action::Write, &cells[0], failed()),
            failed()
        );
    }
}
