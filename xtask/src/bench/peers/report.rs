//! What the runs have shown, as tables and as a chart.

use std::fmt::Write;

use super::workloads::{Program, Workload};
use crate::bench::{
    chart::{self, Group},
    measure::{Cost, median},
    page::{digits, mebibytes, seconds, table},
};

/// The runs of a workload: of each program one each round.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) workload: Workload,
    pub(super) costs: Vec<(Program, Vec<Cost>)>,
    /// Why programs have no result.
    pub(super) failures: Vec<(Program, String)>,
}

impl Standing {
    fn ours(&self) -> Option<&[Cost]> {
        let ours = self.costs.iter().find(|(program, _)| *program == Program::Ours)?;
        Some(&ours.1)
    }
}

/// Ours over theirs, round by round: the median, and the least and largest.
fn ratio(ours: &[Cost], theirs: &[Cost], of: impl Fn(&Cost) -> f64) -> String {
    let each: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| of(ours) / of(theirs).max(1e-9))
        .collect();
    let least = each.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = each.iter().copied().fold(0.0, f64::max);
    format!(
        "{} ({}–{})",
        digits(median(each.iter().copied())),
        digits(least),
        digits(largest)
    )
}

/// The tables, one for each section.
pub(super) fn tables(results: &[Standing]) -> String {
    let mut text = String::new();
    for part in results.chunk_by(|a, b| a.workload.section == b.workload.section) {
        let _ = write!(text, "\n### {}\n\n", part[0].workload.section);
        text.push_str(&section(part));
        for result in part {
            for (program, why) in &result.failures {
                let name = result.workload.name;
                let _ = write!(text, "\n{} has no result for *{name}*: {why}\n", program.name());
            }
        }
    }
    text
}

fn section(results: &[Standing]) -> String {
    let head = [
        "workload",
        "program",
        "wall",
        "processors",
        "peak memory",
        "ours : its wall",
        "ours : its processors",
    ];
    let mut rows = Vec::new();
    for result in results {
        for (at, (program, costs)) in result.costs.iter().enumerate() {
            let of = |number: fn(&Cost) -> f64| median(costs.iter().map(number));
            let ratios = result.ours().filter(|_| *program != Program::Ours);
            let against =
                |number: fn(&Cost) -> f64| ratios.map_or_else(String::new, |ours| ratio(ours, costs, number));
            rows.push(vec![
                if at == 0 { result.workload.name } else { "" }.to_owned(),
                program.name().to_owned(),
                seconds(of(|cost| cost.wall)),
                seconds(of(|cost| cost.cpu)),
                mebibytes(of(|cost| cost.peak)),
                against(|cost| cost.wall),
                against(|cost| cost.cpu),
            ]);
        }
    }
    table(&head, 2, &rows)
}

/// The chart: what each program took on the clock.
pub(super) fn chart(results: &[Standing]) -> String {
    let groups: Vec<Group> = results
        .iter()
        .map(|result| {
            let bar = |(program, costs): &(Program, Vec<Cost>)| {
                let wall = median(costs.iter().map(|cost| cost.wall));
                (program.number(), wall, seconds(wall))
            };
            let section = result.workload.section;
            let label = if section.starts_with('V') {
                format!("{}, {}", section.trim_start_matches("V3, "), result.workload.name)
            } else {
                result.workload.name.to_owned()
            };
            Group {
                label,
                bars: result.costs.iter().map(bar).collect(),
            }
        })
        .collect();
    chart::bars(
        "Whole processes side by side: shorter is faster",
        "time on the clock, median of the rounds (each line is a step of a logarithmic axis)",
        &Program::ALL.map(Program::name),
        &groups,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers::workloads::WORKLOADS;

    fn cost(wall: f64, cpu: f64) -> Cost {
        Cost {
            wall,
            cpu,
            peak: 2.0 * 1_048_576.0,
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let ours = [cost(1.0, 1.0), cost(4.0, 1.0), cost(2.0, 1.0)];
        let theirs = [cost(2.0, 4.0), cost(4.0, 2.0), cost(8.0, 1.0)];
        assert_eq!(ratio(&ours, &theirs, |cost| cost.wall), "0.50 (0.25–1.00)");
        assert_eq!(ratio(&ours, &theirs, |cost| cost.cpu), "0.50 (0.25–1.00)");
    }

    #[test]
    fn each_program_has_a_row_and_each_failure_a_reason() {
        let results = [Standing {
            workload: WORKLOADS[0],
            costs: vec![
                (Program::Ours, vec![cost(0.5, 0.25)]),
                (Program::Zarrs, vec![cost(1.0, 0.5)]),
            ],
            failures: vec![(Program::Zarr3, "a wrong result".to_owned())],
        }];
        let text = tables(&results);
        assert!(text.contains("### V3, uncompressed\n"), "{text}");
        assert!(
            text.contains("| read all | zarr-toolkit | 500 ms | 250 ms | 2 MiB |  |  |"),
            "{text}"
        );
        assert!(
            text.contains("|  | zarrs | 1.00 s | 500 ms | 2 MiB | 0.50 (0.50–0.50) | 0.50 (0.50–0.50) |"),
            "{text}"
        );
        assert!(text.contains("zarr 3 has no result for *read all*: a wrong result"));
        let svg = chart(&results);
        assert!(svg.contains(">uncompressed, read all<") && svg.contains(">500 ms<"));
    }
}
