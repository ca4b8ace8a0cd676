//! Plots of what a comparison found: a row for each server, as SVG.
//!
//! Two kinds: bars from zero, with a dot for each round, and marks on a logarithmic axis for
//! percentiles. Knows nothing of modes or reports.
#![forbid(unsafe_code)]

mod canvas;
mod scale;

use canvas::{Anchor, Canvas};
use scale::{Scale, label};

const WIDTH: f64 = 860.0;
/// Left of the axis: the names.
const LEFT: f64 = 130.0;
/// Right of it: the values.
const RIGHT: f64 = 90.0;
/// Above it: what the plot shows.
const TOP: f64 = 82.0;
/// Below it: the marks and the unit.
const BOTTOM: f64 = 52.0;
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;

/// Dark and light, for the two parts of a bar.
const OURS: [&str; 2] = ["#c2541d", "#efb48f"];
const FLOOR: [&str; 2] = ["#777777", "#bbbbbb"];
const OTHERS: [&str; 2] = ["#33608f", "#a5c3e2"];
const GRID: &str = "#dddddd";
const INK: &str = "#222222";
/// The percentiles, from the lowest to the highest.
const MARKS: [&str; 3] = ["#6a9f58", "#d9a441", "#b03a3a"];

/// What stands around a plot.
#[derive(Debug, Clone)]
pub(crate) struct Caption {
    /// What was measured.
    pub(crate) title: String,
    /// Under which conditions.
    pub(crate) subtitle: String,
    /// What the axis counts.
    pub(crate) unit: String,
}

/// One server in a plot of bars.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    /// The length of the bar.
    pub(crate) value: f64,
    /// The part of it that is drawn darker, from zero.
    pub(crate) dark: f64,
    /// A dot for each.
    pub(crate) rounds: Vec<f64>,
}

/// One server in a plot of percentiles.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    pub(crate) name: &'static str,
    /// From the lowest to the highest.
    pub(crate) values: [f64; 3],
}

/// Bars from zero; `parts` names the darker part of each, and the lighter one if there is one.
pub(crate) fn bars(caption: &Caption, parts: &[&str], bars: &[Bar]) -> String {
    let scale = Scale::linear(
        bars.iter()
            .flat_map(|bar| bar.rounds.iter().copied().chain([bar.value])),
    );
    let mut canvas = frame(caption, scale, bars.len());
    let mut legend = Legend::new();
    for (colour, part) in OTHERS.into_iter().zip(parts) {
        legend.square(&mut canvas, colour, part);
    }
    legend.dot(&mut canvas, INK, "a round");
    for (number, bar) in bars.iter().enumerate() {
        let (y, [dark, light]) = (row(number), colours(bar.name));
        let length = |value| scale.place(value) * axis();
        canvas.rect(LEFT, y - BAR / 2.0, length(bar.value), BAR, light);
        canvas.rect(LEFT, y - BAR / 2.0, length(bar.dark), BAR, dark);
        for round in &bar.rounds {
            canvas.dot(LEFT + length(*round), y, 2.2, INK, 0.45);
        }
        canvas.text([LEFT - 8.0, y], 12, Anchor::End, bar.name);
        let value = label(bar.value);
        canvas.text([WIDTH - RIGHT + 10.0, y], 12, Anchor::Start, &value);
    }
    canvas.finish()
}

/// Three marks for each server on a logarithmic axis; `names` says what they are. The one in the
/// middle is written beside them.
pub(crate) fn percentiles(caption: &Caption, names: [&str; 3], rows: &[Marks]) -> String {
    let scale = Scale::logarithmic(rows.iter().flat_map(|row| row.values));
    let mut canvas = frame(caption, scale, rows.len());
    let mut legend = Legend::new();
    for (colour, name) in MARKS.into_iter().zip(names) {
        legend.dot(&mut canvas, colour, name);
    }
    for (number, marks) in rows.iter().enumerate() {
        let y = row(number);
        let places = marks.values.map(|value| LEFT + scale.place(value) * axis());
        let [dark, _] = colours(marks.name);
        canvas.line([places[0], y], [places[2], y], dark);
        for (place, colour) in places.into_iter().zip(MARKS) {
            canvas.dot(place, y, 5.0, colour, 1.0);
        }
        canvas.text([LEFT - 8.0, y], 12, Anchor::End, marks.name);
        let middle = format!("{} {}", names[1], label(marks.values[1]));
        canvas.text([WIDTH - RIGHT + 10.0, y], 11, Anchor::Start, &middle);
    }
    canvas.finish()
}

/// The caption and the axis, with room for so many rows.
fn frame(caption: &Caption, scale: Scale, rows: usize) -> Canvas {
    let bottom = TOP + ROW * rows as f64;
    let mut canvas = Canvas::new(WIDTH, bottom + BOTTOM);
    canvas.text([16.0, 20.0], 15, Anchor::Start, &caption.title);
    canvas.text([16.0, 41.0], 11, Anchor::Start, &caption.subtitle);
    for mark in scale.marks() {
        let x = LEFT + scale.place(mark) * axis();
        canvas.line([x, TOP - 4.0], [x, bottom + 4.0], GRID);
        canvas.text([x, bottom + 14.0], 11, Anchor::Middle, &label(mark));
    }
    let middle = LEFT + axis() / 2.0;
    canvas.text([middle, bottom + 34.0], 11, Anchor::Middle, &caption.unit);
    canvas
}

/// What the colours mean, from left to right below the caption.
struct Legend {
    x: f64,
}

impl Legend {
    /// The height at which it stands.
    const Y: f64 = 63.0;

    fn new() -> Self {
        Self { x: LEFT }
    }

    fn square(&mut self, canvas: &mut Canvas, colour: &str, name: &str) {
        canvas.rect(self.x, Self::Y - 5.0, 10.0, 10.0, colour);
        self.name(canvas, name);
    }

    fn dot(&mut self, canvas: &mut Canvas, colour: &str, name: &str) {
        canvas.dot(self.x + 5.0, Self::Y, 4.0, colour, 1.0);
        self.name(canvas, name);
    }

    fn name(&mut self, canvas: &mut Canvas, name: &str) {
        canvas.text([self.x + 15.0, Self::Y], 11, Anchor::Start, name);
        // Widths of letters are not known here; seven is wide for this size.
        self.x += 35.0 + 7.0 * name.chars().count() as f64;
    }
}

fn axis() -> f64 {
    WIDTH - LEFT - RIGHT
}

/// The middle of a row.
fn row(number: usize) -> f64 {
    TOP + ROW * (number as f64 + 0.5)
}

fn colours(name: &str) -> [&'static str; 2] {
    if name == "lanner" {
        OURS
    } else if name.starts_with("floor") {
        FLOOR
    } else {
        OTHERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caption() -> Caption {
        Caption {
            title: "h1".to_owned(),
            subtitle: "64 connections".to_owned(),
            unit: "us".to_owned(),
        }
    }

    #[test]
    fn every_server_has_its_name_its_bar_and_its_dots() {
        let bar = |name, value: f64| Bar {
            name,
            value,
            dark: value / 4.0,
            rounds: vec![value * 0.9, value * 1.1],
        };
        let svg = bars(
            &caption(),
            &["user", "kernel"],
            &[bar("floor", 5.0), bar("lanner", 6.0), bar("nginx", 7.0)],
        );
        for name in ["floor", "lanner", "nginx", "h1", "64 connections", "user"] {
            assert!(svg.contains(&format!(">{name}</text>")), "{name}");
        }
        // The background, two in the legend, two for each server.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 + 2 * 3);
        // One in the legend, two for each server.
        assert_eq!(svg.matches("<circle").count(), 1 + 2 * 3);
        assert!(svg.contains(OURS[0]) && svg.contains(FLOOR[0]));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn percentiles_lie_in_their_order_and_bad_ones_break_nothing() {
        let row = |name, values| Marks { name, values };
        let names = ["p50", "p99", "p99.9"];
        let svg = percentiles(&caption(), names, &[row("lanner", [20.0, 90.0, 400.0])]);
        let places: Vec<&str> = svg.split("cx=\"").skip(4).collect();
        let place = |text: &&str| text.split('"').next().and_then(|x| x.parse::<f64>().ok());
        let places: Vec<f64> = places.iter().filter_map(place).collect();
        assert_eq!(places.len(), 3);
        assert!(places.is_sorted(), "{places:?}");
        let svg = percentiles(&caption(), names, &[row("lanner", [f64::NAN; 3])]);
        assert!(!svg.contains("=\"NaN"), "{svg}");
    }
}
