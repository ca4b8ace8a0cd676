//! Which cache lines one shard writes and another touches, from a trace of every access to memory.
//!
//! Owns the reading of what valgrind's lackey prints for `benches/two_shards.rs`. A line that both
//! only read is nobody's concern: it lies in both caches and stays there.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead};

/// The shift from an address to its cache line, of 64 bytes.
const LINE: u32 = 6;

/// Lines that a shard has touched while it answered requests.
#[derive(Debug, Default)]
struct Touched {
    read: BTreeSet<u64>,
    written: BTreeSet<u64>,
    accesses: u64,
}

/// What both shards have touched.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Addresses of the stores that begin and end the phases.
    marks: Vec<u64>,
    /// How many of these have been seen.
    passed: usize,
    shards: [Touched; 2],
}

impl Trace {
    /// Reads a trace: `mark ADDRESS` names a mark, and ` L`, ` S`, ` M` and `I` are accesses.
    pub(crate) fn read(input: impl BufRead) -> io::Result<Self> {
        let mut trace = Self::default();
        for line in input.split(b'\n') {
            trace.line(&line?);
        }
        Ok(trace)
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(address) = line.strip_prefix(b"mark ") {
            self.marks.extend(hexadecimal(address));
            return;
        }
        let [b' ', kind @ (b'L' | b'S' | b'M'), b' ', rest @ ..] = line else {
            return;
        };
        let mut parts = rest.split(|byte| *byte == b',');
        let Some(address) = parts.next().and_then(hexadecimal) else {
            return;
        };
        if *kind != b'L' && self.marks.get(self.passed) == Some(&address) {
            self.passed += 1;
            return;
        }
        // Inside of a phase the number of marks that were passed is odd.
        let touched = match self.passed {
            1 => self.shards.first_mut(),
            3 => self.shards.last_mut(),
            _ => return,
        };
        let (Some(touched), Some(size)) = (touched, parts.next().and_then(decimal)) else {
            return;
        };
        touched.accesses += 1;
        for line in address >> LINE..=(address + size.max(1) - 1) >> LINE {
            if *kind != b'S' {
                touched.read.insert(line);
            }
            if *kind != b'L' {
                touched.written.insert(line);
            }
        }
    }

    /// Whether both phases were seen from begin to end.
    pub(crate) fn is_whole(&self) -> bool {
        self.passed == 4 && self.shards.iter().all(|touched| touched.accesses > 0)
    }

    /// Lines that one shard wrote and the other wrote or read.
    pub(crate) fn shared(&self) -> BTreeSet<u64> {
        let [first, second] = &self.shards;
        let between = |writer: &Touched, other: &Touched| -> Vec<u64> {
            let lines = writer.written.iter();
            lines
                .filter(|line| other.written.contains(line) || other.read.contains(line))
                .copied()
                .collect()
        };
        let mut shared = BTreeSet::from_iter(between(first, second));
        shared.extend(between(second, first));
        shared
    }
}

fn hexadecimal(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?.trim(), 16).ok()
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, touched) in self.shards.iter().enumerate() {
            writeln!(
                f,
                "shard {number}: {} accesses; {} lines read, {} written",
                touched.accesses,
                touched.read.len(),
                touched.written.len(),
            )?;
        }
        let [first, second] = &self.shards;
        let both = first.read.intersection(&second.read).count();
        writeln!(f, "lines that both read: {both}")?;
        let shared = self.shared();
        writeln!(
            f,
            "lines that one wrote and the other wrote or read: {}",
            shared.len()
        )?;
        for line in shared {
            writeln!(f, "  {:#x}", line << LINE)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Trace;

    fn trace(first: &str, second: &str) -> Trace {
        let text = format!(
            "==1== Lackey\nmark 100\nmark 140\nmark 180\nmark 1c0\n S 9000,8\nI  04000,3\n S 100,1\n{first}\
             \n S 140,1\n S 9000,8\n M 180,1\n{second}\n S 1c0,1\n L 9000,8\n"
        );
        Trace::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_one_writes_and_the_other_touches_is_shared() {
        for (first, second, shared) in [
            (" S 1000,8", " S 2000,8", vec![]),
            (" L 1000,8", " L 1000,8", vec![]),
            (" S 1000,8", " L 1038,8", vec![0x40]),
            (" L 1000,8", " M 1000,4", vec![0x40]),
            (" S 1000,8", " S 1008,8", vec![0x40]),
            // It straddles two lines.
            (" S 103c,8", " L 1040,4", vec![0x41]),
        ] {
            let trace = trace(first, second);
            assert!(trace.is_whole());
            assert!(trace.shared().into_iter().eq(shared), "{trace}");
        }
    }

    #[test]
    fn a_phase_without_an_end_is_noticed() {
        let text = "mark 100\nmark 140\nmark 180\nmark 1c0\n S 100,1\n L 1000,8\n";
        assert!(!Trace::read(text.as_bytes()).unwrap().is_whole());
    }
}
