//! Plots as SVG, written by hand: lines and points on linear axes, readable on light and dark pages.

use std::fmt::Write;

/// The picture, and the place of the axes in it.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 62.0;
/// Ticks that an axis aims at.
const TICKS: f64 = 5.0;

/// Colours that differ in hue and in lightness, on white and on black (Okabe and Ito's, as classes c0 … c5).
const STYLE: &str = "<style>\
svg{background:#fff}text{font:13px system-ui,sans-serif;fill:#1a1a1a}.t{font-size:16px;font-weight:600}.s{fill:#555}\
.g{stroke:#ddd}.a{stroke:#555}.l{fill:none;stroke-width:2}\
.c0{stroke:#0072b2;fill:#0072b2}.c1{stroke:#b35900;fill:#b35900}.c2{stroke:#767676;fill:#767676}\
.c3{stroke:#00795a;fill:#00795a}.c4{stroke:#a8457d;fill:#a8457d}.c5{stroke:#6b5b00;fill:#6b5b00}.l{fill:none!important}\
@media (prefers-color-scheme:dark){svg{background:#111}text{fill:#eee}.s{fill:#aaa}.g{stroke:#333}.a{stroke:#999}\
.c0{stroke:#56b4e9;fill:#56b4e9}.c1{stroke:#ff9d3c;fill:#ff9d3c}.c2{stroke:#a8a8a8;fill:#a8a8a8}\
.c3{stroke:#2fc79a;fill:#2fc79a}.c4{stroke:#e58fc0;fill:#e58fc0}.c5{stroke:#e8d24a;fill:#e8d24a}}\
</style>";
const COLOURS: usize = 6;
/// So that lines are told apart without colour, too.
const DASHES: [&str; 4] = ["", "8 4", "2 4", "10 3 2 3"];

/// A line through points, or points with names.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    /// Lower and upper end of each point's interval, upwards.
    pub intervals: Vec<(f64, f64)>,
    pub kind: Kind,
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Line,
    /// A dot for each point, its name beside it.
    Dots,
}

/// A plot with its words.
pub struct Plot<'a> {
    pub title: &'a str,
    /// What is seen: n, seeds.
    pub subtitle: &'a str,
    /// With units.
    pub x: &'a str,
    pub y: &'a str,
    pub series: &'a [Series],
}

/// An axis: its range and its ticks.
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// Round numbers around all values: steps of 1, 2 or 5 times a power of ten.
    fn around(values: impl Iterator<Item = f64>) -> Axis {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        values
            .filter(|v| v.is_finite())
            .for_each(|v| (low, high) = (low.min(v), high.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let wide = if high > low { high - low } else { high.abs().max(1.0) };
        let rough = wide / TICKS;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|m| m * power)
            .find(|s| *s >= rough)
            .unwrap_or(rough);
        Axis {
            low: (low / step).floor() * step,
            high: ((high / step).ceil() * step).max((low / step).floor() * step + step),
            step,
        }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count).map(|i| self.low + i as f64 * self.step)
    }

    fn label(&self, value: f64) -> String {
        let places = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        // A negative zero is a zero.
        format!("{:.places$}", value + 0.0)
    }

    fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

impl Plot<'_> {
    /// The picture.
    pub fn svg(&self) -> String {
        let all = || self.series.iter().flat_map(|s| &s.points);
        let ends = self
            .series
            .iter()
            .flat_map(|s| s.intervals.iter().flat_map(|(l, h)| [*l, *h]));
        let (x, y) = (
            Axis::around(all().map(|p| p.0)),
            Axis::around(all().map(|p| p.1).chain(ends)),
        );
        let at_x = |v: f64| LEFT + x.part(v) * (WIDTH - LEFT - RIGHT);
        let at_y = |v: f64| HEIGHT - BOTTOM - y.part(v) * (HEIGHT - TOP - BOTTOM);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{STYLE}",
            escaped(self.title)
        );
        text(&mut out, LEFT, 24.0, "t", "start", self.title);
        text(&mut out, LEFT, 43.0, "s", "start", self.subtitle);
        for tick in x.ticks() {
            line(&mut out, "g", (at_x(tick), TOP), (at_x(tick), HEIGHT - BOTTOM));
            text(
                &mut out,
                at_x(tick),
                HEIGHT - BOTTOM + 18.0,
                "",
                "middle",
                &x.label(tick),
            );
        }
        for tick in y.ticks() {
            line(&mut out, "g", (LEFT, at_y(tick)), (WIDTH - RIGHT, at_y(tick)));
            text(&mut out, LEFT - 8.0, at_y(tick) + 4.0, "", "end", &y.label(tick));
        }
        line(&mut out, "a", (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM));
        line(&mut out, "a", (LEFT, TOP), (LEFT, HEIGHT - BOTTOM));
        text(
            &mut out,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 20.0,
            "",
            "middle",
            self.x,
        );
        let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
        let _ = write!(
            out,
            "<text transform=\"translate(20 {middle}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escaped(self.y)
        );
        let lines = self.series.iter().filter(|s| s.kind == Kind::Line).count();
        let mut key = HEIGHT - BOTTOM - 12.0 - 18.0 * lines.saturating_sub(1) as f64;
        for (i, series) in self.series.iter().enumerate() {
            let (colour, dash) = (format!("c{}", i % COLOURS), DASHES[i % DASHES.len()]);
            let places: Vec<(f64, f64)> = series.points.iter().map(|p| (at_x(p.0), at_y(p.1))).collect();
            match series.kind {
                Kind::Line => {
                    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
                    let _ = write!(
                        out,
                        "<polyline class=\"l {colour}\" stroke-dasharray=\"{dash}\" points=\"{}\"/>",
                        path.join(" ")
                    );
                    let from = WIDTH - RIGHT - 190.0;
                    let _ = write!(
                        out,
                        "<polyline class=\"l {colour}\" stroke-dasharray=\"{dash}\" points=\"{from},{} {},{}\"/>",
                        key - 4.0,
                        from + 34.0,
                        key - 4.0
                    );
                    text(&mut out, from + 42.0, key, "", "start", &series.name);
                    key += 18.0;
                }
                Kind::Dots => {
                    for (j, (x, y)) in places.iter().enumerate() {
                        if let Some((low, high)) = series.intervals.get(j) {
                            line(&mut out, &colour, (*x, at_y(*low)), (*x, at_y(*high)));
                        }
                        let _ = write!(out, "<circle class=\"{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
                        // Names on the right half would leave the picture.
                        let (dx, anchor) = if *x > WIDTH * 0.62 {
                            (-8.0, "end")
                        } else {
                            (8.0, "start")
                        };
                        // Neighbours in turn above and below, so that names seldom meet.
                        let dy = if i % 2 == 0 { -6.0 } else { 16.0 };
                        text(&mut out, x + dx, y + dy, "", anchor, &series.name);
                    }
                }
            }
        }
        out + "</svg>\n"
    }
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = write!(
        out,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(out: &mut String, x: f64, y: f64, class: &str, anchor: &str, words: &str) {
    let words = escaped(words);
    let _ = write!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

/// Names come from files: markup in them is text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_round() {
        let axis = Axis::around([0.03, 0.97].into_iter());
        assert_eq!((axis.low, axis.high, axis.ticks().count()), (0.0, 1.0, 6));
        assert_eq!(axis.label(0.2), "0.2");
        for hostile in [vec![], vec![5.0], vec![f64::NAN, f64::INFINITY], vec![0.0, 0.0]] {
            let axis = Axis::around(hostile.into_iter());
            assert!(axis.high > axis.low && axis.ticks().count() >= 2 && axis.ticks().count() < 20);
        }
    }

    #[test]
    fn names_are_text() {
        let series = [Series {
            name: "</text><script>".into(),
            points: vec![(0.0, 0.0), (1.0, 1.0)],
            intervals: vec![],
            kind: Kind::Line,
        }];
        let plot = Plot {
            title: "a & b",
            subtitle: "n = 2",
            x: "share",
            y: "\"quality\"",
            series: &series,
        };
        let svg = plot.svg();
        assert!(!svg.contains("<script>") && svg.contains("a &amp; b") && svg.contains("prefers-color-scheme:dark"));
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }
}
