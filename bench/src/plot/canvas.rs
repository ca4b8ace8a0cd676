//! SVG (Scalable Vector Graphics 1.1): the few shapes that a plot needs, as text.

use std::fmt::Write;

/// An image under construction. Its own background makes it readable on a dark page.
pub(super) struct Canvas {
    text: String,
}

/// On which side of its place a text lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        let mut canvas = Self {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
                 width=\"{width}\" height=\"{height}\" \
                 font-family=\"Helvetica, Arial, sans-serif\">\n"
            ),
        };
        canvas.rect(0.0, 0.0, width, height, "#ffffff");
        canvas
    }

    pub(super) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.text,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{fill}\"/>"
        );
    }

    pub(super) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], stroke: &str) {
        let _ = writeln!(
            self.text,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
             stroke=\"{stroke}\"/>"
        );
    }

    pub(super) fn dot(&mut self, x: f64, y: f64, radius: f64, fill: &str, opacity: f64) {
        let _ = writeln!(
            self.text,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{fill}\" \
             fill-opacity=\"{opacity}\"/>"
        );
    }

    /// Writes `text` so that the middle of its height is at `y`.
    pub(super) fn text(&mut self, [x, y]: [f64; 2], size: u32, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let base = y + f64::from(size) * 0.35;
        let _ = writeln!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{base:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" \
             fill=\"#222222\">{}</text>",
            escaped(text)
        );
    }

    /// The whole image.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// `text` with what is markup written as references.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text([1.0, 2.0], 10, Anchor::End, "a <b> & c");
        let svg = canvas.finish();
        assert!(svg.contains(">a &lt;b&gt; &amp; c</text>"), "{svg}");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }
}
