//! What `perf script` prints, read back: one sample after the other with its chain of callers.
//!
//! Owns that format, as it is with `-F tid,time,event,trace,ip,sym,dso`. Knows nothing of what the
//! samples are of.

use std::io::{self, BufRead};

/// A function on the chain of a sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Frame {
    /// The function, or the file where perf knows none.
    pub(crate) name: String,
    /// Whether it is the kernel's.
    pub(crate) is_kernel: bool,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// When, in seconds of the clock that perf uses.
    pub(crate) time: f64,
    /// The event, as `sched:sched_switch`.
    pub(crate) event: String,
    /// What a tracepoint adds.
    pub(crate) trace: String,
    /// The chain, from the function that ran to the outermost caller.
    pub(crate) frames: Vec<Frame>,
}

/// Hands every sample of `input` to `each`.
pub(crate) fn read(input: impl BufRead, mut each: impl FnMut(Sample)) -> io::Result<()> {
    let mut sample: Option<Sample> = None;
    for line in input.lines() {
        let line = line?;
        if line.trim().is_empty() {
            sample.take().into_iter().for_each(&mut each);
        } else if let Some(begun) = head(&line) {
            // A sample without a chain has no empty line behind it.
            sample.replace(begun).into_iter().for_each(&mut each);
        } else if let (Some(sample), Some(frame)) = (&mut sample, frame(&line)) {
            sample.frames.push(frame);
        }
    }
    sample.into_iter().for_each(each);
    Ok(())
}

/// Reads `TID TIME: [PERIOD] EVENT: [TRACE]`.
fn head(line: &str) -> Option<Sample> {
    let (thread, rest) = line.trim_start().split_once(char::is_whitespace)?;
    thread.split('/').next()?.parse::<i64>().ok()?;
    let (time, rest) = rest.trim_start().split_once(": ")?;
    let time = time.trim().parse().ok()?;
    let rest = rest.trim_start();
    // The name of a tracepoint holds a colon, that behind the name comes before a space or the end.
    let end = rest.match_indices(':').map(|(at, _)| at).find(|at| {
        rest[at + 1..]
            .chars()
            .next()
            .is_none_or(char::is_whitespace)
    })?;
    Some(Sample {
        time,
        event: rest.get(..end)?.trim().to_owned(),
        trace: rest.get(end + 1..)?.trim().to_owned(),
        frames: Vec::new(),
    })
}

/// Reads `ADDRESS FUNCTION[+OFFSET] (FILE)`.
fn frame(line: &str) -> Option<Frame> {
    let (address, rest) = line.trim().split_once(' ')?;
    u64::from_str_radix(address, 16).ok()?;
    let (name, file) = rest.rsplit_once(" (")?;
    let file = file.trim_end_matches(')');
    let is_kernel = file.starts_with("[kernel") || file.starts_with("[guest.kernel");
    let name = match name.trim() {
        "[unknown]" => format!("[{}]", file.rsplit('/').next().unwrap_or(file)),
        name => name.to_owned(),
    };
    Some(Frame { name, is_kernel })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::{Sample, read};

    fn all(text: &str) -> Vec<Sample> {
        let mut samples = Vec::new();
        read(text.as_bytes(), |sample| samples.push(sample)).unwrap();
        samples
    }

    #[test]
    fn samples_with_and_without_a_chain() {
        let samples = all(concat!(
            " 4242  123.000001:    1009 cpu-clock:  \n",
            "\tffffffff81a0 tcp_sendmsg_locked ([kernel.kallsyms])\n",
            "\t    55d0c0de <lanner::shard::Shard as Driver>::turn (/tmp/lanner)\n",
            "\t    7f0000aa [unknown] (/lib/libc.so.6)\n",
            "\n",
            "    0  123.5: sched:sched_switch: prev_comm=swapper/1 prev_pid=0 ==> next_pid=4242\n",
            "    0  124.5: sched:sched_waking: comm=lanner-0 pid=4242\n",
        ));
        assert_eq!(samples.len(), 3);
        assert_eq!(samples[0].frames.len(), 3);
        assert!(samples[0].frames[0].is_kernel);
        assert_eq!(samples[0].frames[2].name, "[libc.so.6]");
        assert_eq!(samples[1].event, "sched:sched_switch");
        assert!(samples[1].trace.ends_with("next_pid=4242"));
        assert!((samples[2].time - 124.5).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        assert!(all("# a comment\n\nabc\n").is_empty());
    }
}
