//! Writes the grid with one party and reads it with another, in both directions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::cell::{Cell, Placed};
use super::faults::{Action, declare, spoilt};
use super::page::Page;
use super::peer::{self, Peer};
use super::report::{Pair, Party, Report};
use super::subject::{self, Subject};
use super::verdict::{Outcome, Reading, Trouble, compare, judge};
use super::{grid, values};

/// What our own side is called in reports.
pub(crate) const OURS: &str = "ours";

const USAGE: &str = "usage: conformance cross [--peers DIR] [--out FILE.md] [--quick] [--between-peers]";

/// What the command line asks for.
struct Options {
    page: Page,
    is_quick: bool,
    /// Peers read each other's arrays too, which tells whose fault a difference is.
    is_between_peers: bool,
}

/// Our library or a peer.
enum Side {
    Ours(Box<dyn Subject>),
    Peer(Peer),
    Missing { peer: Peer, reason: String },
}

/// What a party did with its own arrays, cell by cell; a cell of a format it does not know is `None`.
struct Own {
    written: Vec<Option<Outcome<()>>>,
    reads_its_own: Vec<bool>,
}

/// Runs the comparison; `Ok(false)` if a cell failed or nothing passed.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let options = parse(arguments)?;
    let cells = grid::cells(options.is_quick);
    let work = tempfile::tempdir()?;
    let data = write_values(&cells, work.path())?;
    let sides = sides(&options.page.home);
    let bench = Bench {
        cells: &cells,
        data: &data,
        work: work.path(),
        sides: &sides,
    };
    let report = bench.compare_all(options.is_between_peers)?;
    options.page.write(&report.markdown())?;
    let totals = report.totals();
    println!("{totals}");
    Ok(totals.failed == 0 && totals.passed > 0)
}

fn parse(arguments: &[String]) -> Result<Options> {
    let (mut is_quick, mut is_between_peers) = (false, false);
    let page = Page::parse_with(arguments, USAGE, |flag, _| {
        match flag {
            "--quick" => is_quick = true,
            "--between-peers" => is_between_peers = true,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Options {
        page,
        is_quick,
        is_between_peers,
    })
}

/// The values of every cell, each different content in one file.
fn write_values(cells: &[Cell], work: &Path) -> Result<Vec<PathBuf>> {
    let mut files: HashMap<(&str, usize), PathBuf> = HashMap::new();
    let mut data = Vec::with_capacity(cells.len());
    for cell in cells {
        let number = files.len();
        let key = (cell.dtype.text, cell.len());
        if let Some(file) = files.get(&key) {
            data.push(file.clone());
            continue;
        }
        let file = work.join(format!("values-{number}.bin"));
        let elements: Vec<_> = cell
            .elements()
            .into_iter()
            .map(|element| values::in_own_order(cell.dtype, element))
            .collect();
        let elements = elements.iter().map(Vec::as_slice);
        std::fs::write(&file, values::joined(cell.dtype, elements))?;
        files.insert(key, file.clone());
        data.push(file);
    }
    Ok(data)
}

fn sides(home: &Path) -> Vec<Side> {
    let mut sides = vec![Side::Ours(subject::ours())];
    for peer in peer::find(home) {
        sides.push(match peer.version() {
            Ok(_) => Side::Peer(peer),
            Err(error) => Side::Missing {
                peer,
                reason: format!("{error:#}"),
            },
        });
    }
    sides
}

impl Side {
    fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => OURS,
            Self::Peer(peer) | Self::Missing { peer, .. } => peer.name,
        }
    }

    fn knows(&self, format: u8) -> bool {
        match self {
            Self::Ours(_) => true,
            Self::Peer(peer) | Self::Missing { peer, .. } => peer.formats.contains(&format),
        }
    }

    fn party(&self) -> Party {
        let version = match self {
            Self::Ours(_) => Some(subject::version()),
            Self::Peer(peer) => peer.version().ok(),
            Self::Missing { .. } => None,
        };
        Party {
            name: self.name(),
            version,
        }
    }

    fn write(&self, cells: &[Placed<'_>], work: &Path) -> Result<Vec<Outcome<()>>> {
        match self {
            Self::Ours(subject) => Ok(cells
                .iter()
                .map(|cell| subject.write(cell).map_err(no_refusal))
                .collect()),
            Self::Peer(peer) => Ok(declared(peer, Action::Write, cells, peer.write(cells, work)?)),
            Self::Missing { reason, .. } => Ok(cells
                .iter()
                .map(|_| Err(Trouble::Absent(reason.clone())))
                .collect()),
        }
    }

    fn read(&self, cells: &[Placed<'_>], work: &Path) -> Result<Vec<Outcome<Reading>>> {
        match self {
            Self::Ours(subject) => Ok(cells
                .iter()
                .map(|cell| subject.read(cell).map_err(no_refusal))
                .collect()),
            Self::Peer(peer) => Ok(declared(peer, Action::Read, cells, peer.read(cells, work)?)),
            Self::Missing { reason, .. } => Ok(cells
                .iter()
                .map(|_| Err(Trouble::Absent(reason.clone())))
                .collect()),
        }
    }
}

/// The outcomes of a peer, its declared faults as refusals.
fn declared<T>(
    peer: &Peer,
    action: Action,
    cells: &[Placed<'_>],
    outcomes: Vec<Outcome<T>>,
) -> Vec<Outcome<T>> {
    let with_cells = cells.iter().zip(outcomes);
    with_cells
        .map(|(placed, outcome)| outcome.map_err(|it| declare(peer.name, action, placed.cell, it)))
        .collect()
}

/// We know every cell of the grid: a refusal of ours is a fault.
fn no_refusal(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Refused(message) => Trouble::Failed(format!("{OURS} refuses: {message}")),
        other => other,
    }
}

/// All that a comparison works on.
struct Bench<'a> {
    cells: &'a [Cell],
    data: &'a [PathBuf],
    work: &'a Path,
    sides: &'a [Side],
}

impl<'a> Bench<'a> {
    /// Every party writes; then each pair reads.
    fn compare_all(&self, is_between_peers: bool) -> Result<Report<'a>> {
        let owns = self
            .sides
            .iter()
            .map(|side| self.write_own(side))
            .collect::<Result<Vec<_>>>()?;
        let mut pairs = Vec::new();
        for (writer, own) in self.sides.iter().zip(&owns) {
            for (reader, readers_own) in self.sides.iter().zip(&owns) {
                let is_ours = matches!(writer, Side::Ours(_)) || matches!(reader, Side::Ours(_));
                if is_ours || is_between_peers {
                    eprintln!("{} writes, {} reads", writer.name(), reader.name());
                    pairs.push(self.compare(writer, own, reader, readers_own)?);
                }
            }
        }
        Ok(Report {
            cells: self.cells,
            parties: self.sides.iter().map(Side::party).collect(),
            pairs,
        })
    }

    /// The cells of a writer with their places, for those positions of the grid.
    fn placed(&self, writer: &Side, indices: &[usize]) -> Vec<Placed<'a>> {
        let home = self.work.join(writer.name().replace(' ', "-"));
        let place = |index: &usize| Placed {
            cell: &self.cells[*index],
            path: home.join(format!("{index}.zarr")),
            data: &self.data[*index],
        };
        indices.iter().map(place).collect()
    }

    fn write_own(&self, side: &Side) -> Result<Own> {
        eprintln!("{} writes", side.name());
        let known: Vec<usize> = (0..self.cells.len())
            .filter(|index| side.knows(self.cells[*index].format))
            .collect();
        let placed = self.placed(side, &known);
        let outcomes = side.write(&placed, self.work)?;
        let mut own = Own {
            written: vec![None; self.cells.len()],
            reads_its_own: vec![false; self.cells.len()],
        };
        for (index, outcome) in known.iter().zip(outcomes) {
            own.written[*index] = Some(outcome);
        }
        let good: Vec<usize> = known.into_iter().filter(|index| own.is_written(*index)).collect();
        let readings = side.read(&self.placed(side, &good), self.work)?;
        for (index, reading) in good.into_iter().zip(readings) {
            own.reads_its_own[index] = reading.is_ok_and(|it| compare(&self.cells[index], &it).is_none());
        }
        Ok(own)
    }

    fn compare(&self, writer: &Side, own: &Own, reader: &Side, readers_own: &Own) -> Result<Pair> {
        let good: Vec<usize> = (0..self.cells.len())
            .filter(|index| own.is_written(*index) && reader.knows(self.cells[*index].format))
            .collect();
        let readings = reader.read(&self.placed(writer, &good), self.work)?;
        let mut readings: HashMap<usize, Outcome<Reading>> = good.into_iter().zip(readings).collect();
        let verdicts = (0..self.cells.len()).map(|index| {
            let cell = &self.cells[index];
            let written = own.written[index].as_ref()?;
            reader.knows(cell.format).then(|| {
                let read = || {
                    readings
                        .remove(&index)
                        .unwrap_or_else(|| Err(Trouble::Absent(String::new())))
                };
                let verdict = judge(cell, written, read, readers_own.reads_its_own[index]);
                spoilt(writer.name(), cell, verdict)
            })
        });
        Ok(Pair {
            writer: writer.name(),
            reader: reader.name(),
            verdicts: verdicts.collect(),
        })
    }
}

impl Own {
    fn is_written(&self, index: usize) -> bool {
        matches!(self.written[index], Some(Ok(())))
    }
}
