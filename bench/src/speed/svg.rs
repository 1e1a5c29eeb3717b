//! The results as a picture: a panel for each workload, a bar for each subject and placement.

use super::report::{BASE, Group, Report};
use crate::stats::{Series, ratios};
use std::fmt::Write;

const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 16.0;
const COLUMNS: usize = 2;
const COLUMN: f64 = (WIDTH - MARGIN) / COLUMNS as f64;
/// Of a column: the room for names, and for the bars beside them.
const NAMES: f64 = 200.0;
const BARS: f64 = COLUMN - NAMES - MARGIN;
const HEADING: f64 = 50.0;
const KIND: f64 = 16.0;
const ROW: f64 = 17.0;
const BAR: f64 = 6.0;
const FOOT: f64 = 26.0;

/// The placements, with the class of their bars and what the legend says.
const PLACEMENTS: [(&str, &str, &str); 2] =
    [("across", "a", "across two cores"), ("same", "s", "on one core")];

/// Colours are told apart by light and by hue, in both schemes.
const STYLE: &str = "\
text{font:11px system-ui,sans-serif;fill:#1f2328}
.back{fill:#ffffff}.title{font-size:17px;font-weight:600}.head{font-size:13px;font-weight:600}
.kind,.tick{fill:#59636e;font-size:10px}.ours{font-weight:600}
.name{text-anchor:end}.tick{text-anchor:middle}
.grid{stroke:#d1d9e0}.one{stroke:#59636e}.spread{stroke:#1f2328}
.a{fill:#2f81d8}.s{fill:#e3a13a}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}.back{fill:#0d1117}.kind,.tick{fill:#9198a1}
.grid{stroke:#2b323b}.one{stroke:#9198a1}.spread{stroke:#e6edf3}
.a{fill:#4493f8}.s{fill:#d29922}}";

/// The whole picture.
pub fn draw(report: &Report) -> String {
    let panels = panels(report);
    let mut canvas = Canvas::default();
    let mut heights = [64.0; COLUMNS];
    for panel in &panels {
        let column = usize::from(heights[1] < heights[0]);
        let left = MARGIN + column as f64 * COLUMN;
        panel.draw(&mut canvas, left, heights[column]);
        heights[column] += panel.height();
    }
    let height = heights.iter().copied().fold(0.0, f64::max);
    let mut head = Canvas::default();
    head.rect("back", 0.0, 0.0, WIDTH, height);
    head.text(
        "title",
        MARGIN,
        26.0,
        "Time by that of rustix's calls, for sockets of the same type",
    );
    let mut left = MARGIN;
    for (_, class, legend) in PLACEMENTS {
        head.rect(class, left, 38.0, 10.0, 10.0);
        head.text("", left + 15.0, 47.0, legend);
        left += 130.0;
    }
    head.text(
        "",
        left,
        47.0,
        "bar: median of the ratios of all rounds; line: 10 % to 90 % of them",
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\">\n<style>{STYLE}</style>\n{}{}</svg>\n",
        head.0, canvas.0
    )
}

/// One workload, in all placements.
struct Panel<'a> {
    title: &'static str,
    kinds: Vec<(&'static str, Vec<Bars<'a>>)>,
    scale: Scale,
}

/// A subject's ratios in each placement, if it was measured there.
struct Bars<'a> {
    name: &'a str,
    ratios: [Option<Series>; 2],
}

fn panels(report: &Report) -> Vec<Panel<'_>> {
    let mut ids: Vec<&str> = Vec::new();
    for group in &report.groups {
        if !ids.contains(&group.id) {
            ids.push(group.id);
        }
    }
    ids.into_iter().filter_map(|id| panel(report, id)).collect()
}

fn panel<'a>(report: &'a Report, id: &str) -> Option<Panel<'a>> {
    let groups = PLACEMENTS.map(|(place, ..)| report.group(id, place));
    let first = groups.iter().flatten().next()?;
    let mut kinds = Vec::new();
    for kind in first.kinds() {
        let names = first.of(kind).map(|series| series.name).filter(|name| *name != BASE);
        let bars = names.map(|name| {
            let of = |group: Option<&Group>| {
                Some(ratios(group?.find(kind, name)?, group?.find(kind, BASE)?))
            };
            Bars { name, ratios: groups.map(of) }
        });
        kinds.push((kind, bars.collect()));
    }
    let scale = Scale::of(kinds.iter().flat_map(|(_, bars): &(_, Vec<Bars<'_>>)| bars));
    Some(Panel { title: first.title, kinds, scale })
}

impl Panel<'_> {
    fn height(&self) -> f64 {
        let rows: usize = self.kinds.iter().map(|(_, bars)| bars.len()).sum();
        HEADING + self.kinds.len() as f64 * KIND + rows as f64 * ROW + FOOT
    }

    fn draw(&self, canvas: &mut Canvas, left: f64, top: f64) {
        canvas.text("head", left, top + 22.0, self.title);
        let (bars, bottom) = (left + NAMES, top + self.height() - FOOT);
        for tick in self.scale.ticks() {
            let x = bars + self.scale.at(tick);
            canvas.line(
                if tick == 1.0 { "one" } else { "grid" },
                x,
                top + HEADING - 6.0,
                x,
                bottom,
            );
            canvas.text("tick", x, top + HEADING - 10.0, &tick.to_string());
        }
        let mut y = top + HEADING;
        for (kind, rows) in &self.kinds {
            canvas.text("kind", left, y + 11.0, kind);
            y += KIND;
            for row in rows {
                row.draw(canvas, &self.scale, bars, y);
                y += ROW;
            }
        }
    }
}

impl Bars<'_> {
    fn draw(&self, canvas: &mut Canvas, scale: &Scale, left: f64, top: f64) {
        let class = if self.name.starts_with("sunpath") { "name ours" } else { "name" };
        canvas.text(class, left - 8.0, top + 11.0, self.name);
        let one = scale.at(1.0);
        for (turn, (ratios, (_, class, _))) in self.ratios.iter().zip(PLACEMENTS).enumerate() {
            let Some(ratios) = ratios else { continue };
            let y = top + 1.0 + turn as f64 * (BAR + 1.0);
            let end = scale.at(ratios.median());
            let (from, width) = (left + one.min(end), (end - one).abs().max(1.0));
            canvas.rect(class, from, y, width, BAR);
            let spread = [0.1, 0.9].map(|q| left + scale.at(ratios.quantile(q)));
            canvas.line("spread", spread[0], y + BAR / 2.0, spread[1], y + BAR / 2.0);
        }
    }
}

/// From ratios to places, in equal steps for equal factors.
struct Scale {
    low: f64,
    high: f64,
}

/// No bar is drawn further than this: what is beyond is noise.
const MOST: f64 = 5.0;

impl Scale {
    fn of<'a>(bars: impl Iterator<Item = &'a Bars<'a>>) -> Scale {
        let (mut low, mut high) = (0.7_f64, 1.5_f64);
        for ratios in bars.flat_map(|bars| bars.ratios.iter().flatten()) {
            low = low.min(ratios.quantile(0.1));
            high = high.max(ratios.quantile(0.9));
        }
        Scale { low: low * 0.95, high: (high * 1.05).min(MOST) }
    }

    fn at(&self, ratio: f64) -> f64 {
        let share = (ratio / self.low).ln() / (self.high / self.low).ln();
        share.clamp(0.0, 1.0) * BARS
    }

    /// Round numbers that are far enough apart for their labels.
    fn ticks(&self) -> Vec<f64> {
        let candidates = [1.0, 2.0, 0.5, 0.2, 0.1, 0.05, 0.02, 5.0, 1.5, 0.7, 0.8, 3.0, 1.2, 0.9];
        let mut ticks: Vec<f64> = Vec::new();
        for tick in candidates {
            let inside = (self.low..=self.high).contains(&tick);
            let room = |other: &f64| (self.at(*other) - self.at(tick)).abs() >= 26.0;
            if inside && ticks.iter().all(room) {
                ticks.push(tick);
            }
        }
        ticks
    }
}

/// Elements, as text.
#[derive(Default)]
struct Canvas(String);

impl Canvas {
    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        let _ = writeln!(self.0, "{element}");
    }

    fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"/>"
        ));
    }

    fn line(&mut self, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// The texts are names and titles of this program: none has a character to escape.
    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.add(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
    }
}
