//! Charts as SVG, readable on light and dark pages.

use std::fmt::Write;

/// Colours of the series, which differ in lightness too and are seen on white and on black.
const COLOURS: [&str; 7] = [
    "#d9480f", "#1c7ed6", "#2f9e44", "#9c36b5", "#e8a200", "#868e96", "#0c8599",
];
const STYLE: &str = "\
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 }
  .small { font-size: 11px }
  .page { fill: #ffffff }
  .grid { stroke: #d0d7de }
  .axis { stroke: #57606a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .page { fill: #0d1117 }
    .grid { stroke: #30363d }
    .axis { stroke: #8b949e }
  }
</style>";
const WIDTH: f64 = 860.0;

/// Bars of one group, each of a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) label: String,
    /// The number of the series, the value, and what is written beside the bar.
    pub(super) bars: Vec<(usize, f64, String)>,
}

/// Points of one series, which a line joins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) label: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// An axis with steps of ten.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// From the power of ten below the least value, or so many steps of 1, 2 and 5 nearer, to that above the largest.
    fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        if high == 0.0 {
            (low, high) = (1.0, 10.0);
        }
        let low = step_below(low);
        let high = step_above(high).max(low * 10.0);
        Self { low, high, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        self.from + part.min(1.0) * (self.to - self.from)
    }

    /// The powers of ten within, and where those are few, twice and five times them.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = if decades > 3.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let exponents = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let all = exponents.flat_map(|exponent| factors.iter().map(move |f| f * 10_f64.powi(exponent)));
        all.filter(|tick| *tick >= self.low * 0.999 && *tick <= self.high * 1.001)
            .collect()
    }
}

fn step_below(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [5.0, 2.0, 1.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|step| *step <= value * 1.000_001)
        .unwrap_or(power)
}

fn step_above(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|step| *step >= value * 0.999_999)
        .unwrap_or(power * 10.0)
}

/// Groups of horizontal bars on a logarithmic axis of seconds.
pub(super) fn bars(title: &str, axis_label: &str, series: &[&str], groups: &[Group]) -> String {
    const LEFT: f64 = 250.0;
    const RIGHT: f64 = 90.0;
    const BAR: f64 = 12.0;
    const GAP: f64 = 12.0;
    let top = 74.0;
    let n_bars: usize = groups.iter().map(|group| group.bars.len()).sum();
    let bottom = top + n_bars as f64 * BAR + groups.len() as f64 * GAP;
    let values = groups.iter().flat_map(|group| group.bars.iter().map(|bar| bar.1));
    let axis = Axis::around(values, LEFT, WIDTH - RIGHT);
    let mut svg = begin(bottom + 52.0, title);
    legend(&mut svg, series, 50.0);
    for tick in axis.ticks() {
        let x = axis.place(tick);
        line(&mut svg, "grid", (x, top), (x, bottom));
        text(&mut svg, "small", "middle", (x, bottom + 15.0), &time(tick));
    }
    line(&mut svg, "axis", (LEFT, top), (LEFT, bottom));
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    text(&mut svg, "", "middle", (middle, bottom + 38.0), axis_label);
    let mut y = top + GAP / 2.0;
    for group in groups {
        let height = group.bars.len() as f64 * BAR;
        text(
            &mut svg,
            "",
            "end",
            (LEFT - 8.0, y + height / 2.0 + 4.0),
            &group.label,
        );
        for (which, value, note) in &group.bars {
            let width = (axis.place(*value) - LEFT).max(1.0);
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                BAR - 2.0,
                COLOURS[which % COLOURS.len()],
            );
            text(&mut svg, "small", "start", (LEFT + width + 4.0, y + 9.0), note);
            y += BAR;
        }
        y += GAP;
    }
    svg.push_str("</svg>\n");
    svg
}

/// Lines on two logarithmic axes; a dashed one shows what grows as the work does.
pub(super) fn lines(title: &str, (x_label, y_label): (&str, &str), lines_drawn: &[Line]) -> String {
    const LEFT: f64 = 78.0;
    const RIGHT: f64 = 230.0;
    const TOP: f64 = 48.0;
    const BOTTOM: f64 = 460.0;
    let points = || lines_drawn.iter().flat_map(|line| &line.points);
    let x_axis = Axis::around(points().map(|point| point.0), LEFT, WIDTH - RIGHT);
    let y_axis = Axis::around(points().map(|point| point.1), BOTTOM, TOP);
    let mut svg = begin(BOTTOM + 52.0, title);
    for tick in x_axis.ticks().into_iter().filter(|tick| is_power(*tick)) {
        let x = x_axis.place(tick);
        line(&mut svg, "grid", (x, TOP), (x, BOTTOM));
        text(&mut svg, "small", "middle", (x, BOTTOM + 15.0), &count(tick));
    }
    for tick in y_axis.ticks() {
        let y = y_axis.place(tick);
        line(&mut svg, "grid", (LEFT, y), (WIDTH - RIGHT, y));
        text(&mut svg, "small", "end", (LEFT - 6.0, y + 4.0), &time(tick));
    }
    line(&mut svg, "axis", (LEFT, TOP), (LEFT, BOTTOM));
    line(&mut svg, "axis", (LEFT, BOTTOM), (WIDTH - RIGHT, BOTTOM));
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    text(&mut svg, "", "middle", (middle, BOTTOM + 38.0), x_label);
    let centre = f64::midpoint(TOP, BOTTOM);
    let _ = writeln!(
        svg,
        "<text text-anchor=\"middle\" transform=\"translate(18 {centre:.1}) rotate(-90)\">{}</text>",
        escape(y_label)
    );
    // A line of slope one, from the middle of what is shown on the left, as far as it goes.
    let start = (x_axis.low, (y_axis.low * y_axis.low * y_axis.high).cbrt());
    let grown = (x_axis.high / x_axis.low).min(y_axis.high / start.1);
    let _ = writeln!(
        svg,
        "<line class=\"axis\" stroke-dasharray=\"5 4\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        x_axis.place(start.0),
        y_axis.place(start.1),
        x_axis.place(start.0 * grown),
        y_axis.place(start.1 * grown),
    );
    for (which, drawn) in lines_drawn.iter().enumerate() {
        let colour = COLOURS[which % COLOURS.len()];
        let at = |point: &(f64, f64)| (x_axis.place(point.0), y_axis.place(point.1));
        let path: Vec<String> = drawn
            .points
            .iter()
            .map(|point| format!("{:.1},{:.1}", at(point).0, at(point).1))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
            path.join(" ")
        );
        for (x, y) in drawn.points.iter().map(at) {
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"
            );
        }
        let y = TOP + 8.0 + which as f64 * 18.0;
        let left = WIDTH - RIGHT + 16.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>",
            y - 10.0
        );
        text(&mut svg, "", "start", (left + 18.0, y), &drawn.label);
    }
    let y = TOP + 8.0 + lines_drawn.len() as f64 * 18.0;
    let left = WIDTH - RIGHT + 16.0;
    text(
        &mut svg,
        "",
        "start",
        (left, y),
        "- -  ten times as long for ten times as many",
    );
    svg.push_str("</svg>\n");
    svg
}

fn is_power(value: f64) -> bool {
    let exponent = value.log10();
    (exponent - exponent.round()).abs() < 1e-6
}

fn begin(height: f64, title: &str) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n{STYLE}\n\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
         <text class=\"title\" x=\"16\" y=\"26\">{title}</text>\n"
    )
}

fn legend(svg: &mut String, series: &[&str], y: f64) {
    let mut x = 16.0;
    for (which, name) in series.iter().enumerate() {
        let colour = COLOURS[which % COLOURS.len()];
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>",
            y - 10.0
        );
        text(svg, "", "start", (x + 17.0, y), name);
        x += 17.0 + name.len() as f64 * 7.0 + 20.0;
    }
}

fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(svg: &mut String, class: &str, anchor: &str, (x, y): (f64, f64), words: &str) {
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escape(words)
    );
}

fn escape(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A tick of an axis of time.
fn time(seconds: f64) -> String {
    let short = |value: f64| {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if seconds < 0.9999 {
        format!("{} ms", short(seconds * 1e3))
    } else {
        format!("{} s", short(seconds))
    }
}

/// A tick of an axis of counts.
fn count(value: f64) -> String {
    let text = format!("{value:.0}");
    let at = text.len().saturating_sub(3);
    if at == 0 {
        text
    } else {
        format!("{} {}", &text[..at], &text[at..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that an attribute has in the elements of a name, in their order.
    fn attributes(svg: &str, element: &str, name: &str) -> Vec<f64> {
        let lines = svg
            .lines()
            .filter(|line| line.starts_with(&format!("<{element} x=")));
        lines
            .filter_map(|line| {
                let rest = line.split_once(&format!(" {name}=\""))?.1;
                rest.split_once('"')?.0.parse().ok()
            })
            .collect()
    }

    #[test]
    fn bars_are_as_long_as_their_logarithms() {
        let bar = |which, value: f64| (which, value, format!("{value} s"));
        let groups = [Group {
            label: "a < b".to_owned(),
            bars: vec![bar(0, 0.01), bar(1, 0.1), bar(2, 1.0), bar(0, 10.0)],
        }];
        let svg = bars("T", "seconds", &["x", "y", "z"], &groups);
        let widths = attributes(&svg, "rect", "width");
        let widths = &widths[3..];
        let full = WIDTH - 250.0 - 90.0;
        assert_eq!(widths.len(), 4);
        for (width, part) in widths.iter().zip([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]) {
            assert!((width - (full * part).max(1.0)).abs() < 0.11, "{widths:?}");
        }
        assert!(svg.contains("a &lt; b") && svg.contains("prefers-color-scheme: dark"));
        assert!(svg.contains(">10 ms<") && svg.contains(">1 s<") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn lines_go_through_their_points() {
        let drawn = [Line {
            label: "load".to_owned(),
            points: vec![(1e3, 0.01), (1e4, 0.1), (1e5, 1.0)],
        }];
        let svg = lines("T", ("chunks", "time"), &drawn);
        assert!(
            svg.contains("points=\"78.0,460.0 354.0,254.0 630.0,48.0\""),
            "{svg}"
        );
        assert!(svg.contains(">1 000<") && svg.contains(">100 000<") && svg.contains(">100 ms<"));
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let axis = Axis::around([0.013, 3.1].into_iter(), 0.0, 1.0);
        assert!((axis.low - 0.01).abs() < 1e-9 && (axis.high - 5.0).abs() < 1e-9);
        let ticks: Vec<String> = axis.ticks().into_iter().map(time).collect();
        assert_eq!(
            ticks,
            [
                "10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s", "2 s", "5 s"
            ]
        );
        // Nothing to show is no reason to fail.
        assert!(bars("T", "", &[], &[]).ends_with("</svg>\n"));
    }
}
