//! Flame graphs: chains of callers put on top of each other, as SVG.
//!
//! Owns the tree, its drawing and the table of functions. Here rather than from a tool, because it is
//! two hundred lines, needs no installation, and can say what it is to say about kernel and user space.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::samples::Frame;

/// Width of the picture, and height of a function in it.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 17.0;

/// What is narrower is left out: nobody could see it.
const NARROWEST: f64 = 0.3;

/// Width of a character of the font, with which texts are cut to fit.
const CHARACTER: f64 = 6.6;

/// Functions that the table names, of user space and of the kernel each.
const NAMED: usize = 20;

/// Functions by who called them.
#[derive(Debug, Default)]
pub(crate) struct Flames {
    root: Node,
    /// What functions weigh by themselves, without those that they call.
    alone: BTreeMap<Frame, f64>,
}

#[derive(Debug, Default)]
struct Node {
    weight: f64,
    called: BTreeMap<Frame, Node>,
}

impl Flames {
    /// Adds a chain that begins with the innermost function.
    pub(crate) fn add(&mut self, frames: &[Frame], weight: f64) {
        if let Some(innermost) = frames.first() {
            *self.alone.entry(innermost.clone()).or_default() += weight;
        }
        let mut node = &mut self.root;
        node.weight += weight;
        for frame in frames.iter().rev() {
            node = node.called.entry(frame.clone()).or_default();
            node.weight += weight;
        }
    }

    /// What all chains weigh.
    pub(crate) fn weight(&self) -> f64 {
        self.root.weight
    }

    /// The functions that weigh most by themselves, in per cent of all.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for (title, is_kernel) in [("User space", false), ("Kernel", true)] {
            let mut rows: Vec<(&Frame, f64)> = self
                .alone
                .iter()
                .filter(|(frame, _)| frame.is_kernel == is_kernel)
                .map(|(frame, weight)| (frame, weight / self.weight().max(f64::MIN_POSITIVE)))
                .collect();
            rows.sort_by(|a, b| b.1.total_cmp(&a.1));
            // Not `sum`, which makes -0 of nothing.
            let all = rows.iter().fold(0.0, |sum, row| sum + row.1);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n{title}: {:.1}% of all", all * 100.0);
            for (frame, share) in rows.iter().take(NAMED) {
                let _ = writeln!(text, "  {:5.1}%  {}", share * 100.0, frame.name);
            }
        }
        text
    }

    /// The picture. `unit` says what a chain weighs, and how to write it.
    pub(crate) fn svg(&self, title: &str, unit: impl Fn(f64) -> String) -> String {
        let height = (self.root.depth() as f64 + 3.0) * ROW;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"monospace\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fffdf7\"/>\n\
             <text x=\"6\" y=\"14\" font-size=\"13\">{}</text>\n\
             <text x=\"6\" y=\"30\">all: {}; user space in blue, kernel in orange; \
             point at a function for its share</text>\n",
            escaped(title),
            escaped(&unit(self.weight())),
        );
        let drawing = Drawing {
            scale: WIDTH / self.weight().max(f64::MIN_POSITIVE),
            floor: height - ROW,
            all: self.weight(),
            unit: &unit,
        };
        drawing.callees(&mut svg, &self.root, 0.0, 0);
        svg.push_str("</svg>\n");
        svg
    }
}

impl Node {
    fn depth(&self) -> usize {
        self.called
            .values()
            .map(|node| 1 + node.depth())
            .max()
            .unwrap_or(0)
    }
}

/// What stays the same while a picture is drawn.
struct Drawing<'a, U> {
    /// Pixels for each unit of weight.
    scale: f64,
    /// Where the outermost callers stand.
    floor: f64,
    all: f64,
    unit: &'a U,
}

impl<U: Fn(f64) -> String> Drawing<'_, U> {
    fn callees(&self, svg: &mut String, node: &Node, left: f64, level: usize) {
        let mut left = left;
        for (frame, called) in &node.called {
            let width = called.weight * self.scale;
            if width >= NARROWEST {
                self.function(svg, frame, called.weight, left, level);
                self.callees(svg, called, left, level + 1);
            }
            left += width;
        }
    }

    fn function(&self, svg: &mut String, frame: &Frame, weight: f64, left: f64, level: usize) {
        let width = weight * self.scale;
        let top = self.floor - level as f64 * ROW;
        let share = weight / self.all * 100.0;
        let fill = colour(frame);
        let name = escaped(&frame.name);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<g><title>{name}: {share:.2}%, {}</title><rect x=\"{left:.2}\" y=\"{top:.1}\" \
             width=\"{width:.2}\" height=\"{:.1}\" fill=\"{fill}\" stroke=\"#fffdf7\" \
             stroke-width=\"0.5\"/>",
            escaped(&(self.unit)(weight)),
            ROW - 1.0,
        );
        let room = ((width - 4.0) / CHARACTER).max(0.0) as usize;
        if room >= 3 {
            let text = shortened(&frame.name, room);
            let _ = write!(
                svg,
                "<text x=\"{:.2}\" y=\"{:.1}\">{}</text>",
                left + 2.0,
                top + 12.0,
                escaped(&text),
            );
        }
        svg.push_str("</g>\n");
    }
}

/// A shade that is the same for a name in every picture.
fn colour(frame: &Frame) -> String {
    let sum = frame.name.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let shade = sum % 12;
    let hue = if frame.is_kernel { 28 } else { 205 };
    format!("hsl({hue},70%,{}%)", 66 + shade)
}

/// The end of a path says most: `lanner::shard::driver::turn` becomes `..driver::turn`.
fn shortened(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room {
        return name.to_owned();
    }
    let kept: String = name.chars().skip(length - (room - 2)).collect();
    format!("..{kept}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Flames, Frame};

    fn chain(names: &[&str]) -> Vec<Frame> {
        let frame = |name: &&str| Frame {
            name: (*name).to_owned(),
            is_kernel: name.starts_with("sys_"),
        };
        names.iter().map(frame).collect()
    }

    #[test]
    fn a_function_weighs_what_it_and_its_callees_do() {
        let mut flames = Flames::default();
        flames.add(&chain(&["sys_send", "turn", "main"]), 3.0);
        flames.add(&chain(&["parse<u8>", "turn", "main"]), 1.0);
        let svg = flames.svg("a \"title\" & more", |weight| format!("{weight} samples"));
        for part in [
            "<title>main: 100.00%, 4 samples</title>",
            "<title>turn: 100.00%, 4 samples</title>",
            "<title>sys_send: 75.00%, 3 samples</title>",
            "<title>parse&lt;u8&gt;: 25.00%, 1 samples</title>",
            "a &quot;title&quot; &amp; more",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        let table = flames.table();
        assert!(table.contains("User space: 25.0% of all"), "{table}");
        assert!(table.contains(" 75.0%  sys_send"), "{table}");
    }

    #[test]
    fn nothing_makes_an_empty_picture() {
        let flames = Flames::default();
        assert!(
            flames
                .svg("nothing", |_| String::new())
                .ends_with("</svg>\n")
        );
        assert!(flames.table().contains("Kernel: 0.0%"));
    }
}
