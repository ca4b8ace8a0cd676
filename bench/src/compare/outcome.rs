//! What a comparison leaves behind, whatever it compared: text, figures and a picture.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

/// A report, ready to be written.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The conditions, the table and the remarks.
    pub(super) markdown: String,
    /// Every turn and the medians.
    pub(super) json: Value,
    /// The plot (SVG).
    pub(super) plot: String,
    /// A line for everything that was not right.
    pub(super) failures: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        report: &impl Serialize,
        markdown: String,
        plot: String,
        failures: Vec<String>,
    ) -> Result<Self> {
        Ok(Self {
            markdown,
            json: serde_json::to_value(report).context("the JSON report")?,
            plot,
            failures,
        })
    }
}

/// Files that are opened before anything is measured: a path that cannot be written is not to cost
/// a whole run.
pub(super) struct Outputs {
    json: Option<File>,
    svg: Option<File>,
}

impl Outputs {
    pub(super) fn open(json: Option<&Path>, svg: Option<&Path>) -> Result<Self> {
        let create = |path: Option<&Path>| {
            path.map(|path| {
                File::create(path).with_context(|| format!("creating {}", path.display()))
            })
            .transpose()
        };
        Ok(Self {
            json: create(json)?,
            svg: create(svg)?,
        })
    }

    pub(super) fn write(self, outcome: &Outcome) -> Result<()> {
        use std::io::Write;
        if let Some(mut file) = self.json {
            serde_json::to_writer_pretty(&mut file, &outcome.json)?;
        }
        if let Some(mut file) = self.svg {
            file.write_all(outcome.plot.as_bytes())?;
        }
        Ok(())
    }
}

/// The files of a run of many modes: one of Markdown, one of JSON, a plot for each mode. They are
/// written again after each mode, so that a run that is ended early leaves what it had.
pub(super) struct Folder<'a> {
    directory: &'a Path,
    title: String,
    markdown: String,
    json: serde_json::Map<String, Value>,
}

impl<'a> Folder<'a> {
    pub(super) fn create(directory: &'a Path, title: String) -> Result<Self> {
        fs::create_dir_all(directory)
            .with_context(|| format!("creating {}", directory.display()))?;
        let folder = Self {
            directory,
            title,
            markdown: String::new(),
            json: serde_json::Map::new(),
        };
        folder.write()?;
        Ok(folder)
    }

    /// Adds what mode `name` has come to.
    pub(super) fn add(&mut self, name: &str, outcome: &Result<Outcome>) -> Result<()> {
        match outcome {
            Ok(outcome) => {
                let plot = format!("{name}.svg");
                fs::write(self.directory.join(&plot), &outcome.plot)
                    .with_context(|| format!("writing {plot}"))?;
                self.markdown.push_str(&format!(
                    "\n## {name}\n{}\n![{name}]({plot})\n",
                    outcome.markdown
                ));
                self.json.insert(name.to_owned(), outcome.json.clone());
            }
            Err(error) => {
                let reason = format!("{error:#}").replace('\n', " ");
                let line = format!("\n## {name}\n\nNot measured: {reason}\n");
                self.markdown.push_str(&line);
                self.json
                    .insert(name.to_owned(), serde_json::json!({ "error": reason }));
            }
        }
        self.write()
    }

    fn write(&self) -> Result<()> {
        let text = format!("# {}\n{}", self.title, self.markdown);
        fs::write(self.directory.join("results.md"), text).context("writing results.md")?;
        let file = File::create(self.directory.join("results.json"))?;
        serde_json::to_writer_pretty(file, &self.json).context("writing results.json")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_has_all_modes_the_failed_ones_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/results");
        let mut folder = Folder::create(&path, "a title".to_owned()).unwrap();
        let outcome = Outcome::new(&[1, 2], "\ntable\n".to_owned(), "<svg/>".to_owned(), vec![]);
        folder.add("h1", &outcome).unwrap();
        folder.add("h2", &Err(anyhow::anyhow!("it broke"))).unwrap();
        let text = fs::read_to_string(path.join("results.md")).unwrap();
        for part in [
            "# a title\n",
            "## h1\n\ntable\n",
            "![h1](h1.svg)",
            "it broke",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        let json = fs::read_to_string(path.join("results.json")).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json.pointer("/h1/1"), Some(&Value::from(2)));
        assert_eq!(json.pointer("/h2/error"), Some(&Value::from("it broke")));
        assert_eq!(fs::read_to_string(path.join("h1.svg")).unwrap(), "<svg/>");
    }
}
