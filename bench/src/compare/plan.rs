//! What a comparison is made of: the mode, the servers that are there, and those that are not.
//!
//! Every server is started once before anything is measured, so that one that is missing or does
//! not work is named and left out, instead of ending a run of an hour in its middle.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::CompareArgs;
use crate::content::Content;
use crate::interrupt::Interrupt;
use crate::machine::{self, Cores};
use crate::mode::Mode;
use crate::peer::{self, Peer};
use crate::server::Setting;
use crate::tls::Negotiated;

/// A server and its program.
pub(super) type Contender = (&'static Peer, PathBuf);

/// What every kind of comparison is told.
pub(super) struct Plan {
    pub(super) mode: &'static Mode,
    pub(super) contenders: Vec<Contender>,
    pub(super) absent: Vec<Absent>,
    pub(super) rounds: u32,
    pub(super) cores: Cores,
    pub(super) setting: Setting,
    negotiated: Vec<(&'static str, Negotiated)>,
}

/// A server of the mode that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Absent {
    pub(super) server: &'static str,
    pub(super) reason: String,
    /// It is there but does not work, which makes the command fail.
    pub(super) failed: bool,
}

/// What every report says of how it was made.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Conditions {
    pub(super) mode: &'static str,
    pub(super) title: &'static str,
    pub(super) rounds: u32,
    pub(super) date: String,
    pub(super) machine: String,
    pub(super) load_generator: String,
    pub(super) cores: Cores,
    pub(super) reference: &'static str,
    pub(super) absent: Vec<Absent>,
    pub(super) negotiated: Vec<(&'static str, Negotiated)>,
}

impl Plan {
    /// Builds or finds the servers of `mode` that are asked for and starts each once.
    pub(super) fn prepare(
        mode: &'static Mode,
        args: &CompareArgs,
        cores: Cores,
        content: Content,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let mut plan = Self {
            mode,
            contenders: Vec::new(),
            absent: Vec::new(),
            rounds: args.rounds,
            cores,
            setting: Setting::new(mode, content, cores.server, interrupt)?,
            negotiated: Vec::new(),
        };
        // Who asks for a server by name wants no table without it.
        let by_name = |peer: &Peer| {
            !args.servers.is_empty() || args.builds.iter().any(|build| build.name == peer.name)
        };
        for peer in chosen(mode, &args.servers, &args.builds)? {
            interrupt.check()?;
            match plan.admit(peer) {
                Ok(()) => {}
                Err(absent) if by_name(peer) => {
                    bail!("{}: {}", absent.server, absent.reason)
                }
                Err(absent) => {
                    interrupt.check()?;
                    eprintln!("{} is left out: {}", absent.server, absent.reason);
                    plan.absent.push(absent);
                }
            }
        }
        ensure!(
            !plan.contenders.is_empty(),
            "no server of mode {} is there",
            mode.name
        );
        Ok(plan)
    }

    fn admit(&mut self, peer: &'static Peer) -> Result<(), Absent> {
        let absent = |failed| {
            move |error: anyhow::Error| Absent {
                server: peer.name,
                reason: format!("{error:#}"),
                failed,
            }
        };
        let program = peer.obtain().map_err(absent(false))?;
        let server = self.setting.start(peer, &program).map_err(absent(true))?;
        if let Some(negotiated) = server.negotiated() {
            self.negotiated.push((peer.name, negotiated.clone()));
        }
        drop(server);
        self.contenders.push((peer, program));
        Ok(())
    }

    /// Takes a server out that failed while it was measured; fails if it was the last one.
    pub(super) fn leave_out(&mut self, peer: &'static Peer, error: &anyhow::Error) -> Result<()> {
        let reason = format!("{error:#}");
        eprintln!("{} is left out: {reason}", peer.name);
        self.contenders.retain(|(other, _)| other.name != peer.name);
        ensure!(!self.contenders.is_empty(), "{reason}");
        self.absent.push(Absent {
            server: peer.name,
            reason,
            failed: true,
        });
        Ok(())
    }

    /// The servers' names, in the order of the table.
    pub(super) fn servers(&self) -> Vec<&'static str> {
        self.contenders.iter().map(|(peer, _)| peer.name).collect()
    }

    /// The server that the others are related to.
    fn reference(&self) -> &'static str {
        reference(self.mode, &self.servers())
    }

    /// What the report says of it; `load_generator` is what loads the servers.
    pub(super) fn conditions(&self, load_generator: String) -> Conditions {
        Conditions {
            mode: self.mode.name,
            title: self.mode.title,
            rounds: self.rounds,
            date: httpdate::fmt_http_date(std::time::SystemTime::now()),
            machine: machine::description(),
            load_generator,
            cores: self.cores,
            reference: self.reference(),
            absent: self.absent.clone(),
            negotiated: self.negotiated.clone(),
        }
    }
}

impl Conditions {
    /// The lines above a table; `shape` says what the traffic was, `span` how long a round was.
    pub(super) fn head(&self, shape: &str, span: &str) -> String {
        let mut text = format!(
            "\n**{}** ({}), {shape}; medians of {} rounds{span}.\n\
             {}; server on core {}, {} on core {}; {}.\n",
            self.mode,
            self.title,
            self.rounds,
            self.machine,
            self.cores.server,
            self.load_generator,
            self.cores.client,
            self.date,
        );
        text.push_str(&self.choice());
        text.push('\n');
        text
    }

    /// What TLS has come to: a line if it is the same for all servers, else one for each.
    fn choice(&self) -> String {
        let Some((_, first)) = self.negotiated.first() else {
            return String::new();
        };
        if self.negotiated.iter().all(|(_, other)| other == first) {
            return format!("All servers: {first}, ECDSA certificate on P-256.\n");
        }
        self.negotiated
            .iter()
            .map(|(server, negotiated)| format!("{server}: {negotiated}; ECDSA on P-256.\n"))
            .collect()
    }

    /// The lines below a table: who is not in it, and why.
    pub(super) fn absences(&self) -> String {
        self.absent
            .iter()
            .map(|absent| {
                let reason = absent.reason.replace('\n', " ");
                format!("\nNot in the table: {}, for {reason}.\n", absent.server)
            })
            .collect()
    }

    /// A line for each server that is there but does not work.
    pub(super) fn failures(&self) -> Vec<String> {
        let failed = self.absent.iter().filter(|absent| absent.failed);
        failed
            .map(|absent| format!("  {}: {}", absent.server, absent.reason))
            .collect()
    }
}

/// That of the mode, or the first if that one is not among `servers`.
fn reference(mode: &Mode, servers: &[&'static str]) -> &'static str {
    if servers.contains(&mode.reference) {
        return mode.reference;
    }
    servers.first().copied().unwrap_or_default()
}

/// The mode's servers that were asked for (all, if `names` is empty) in the order of the mode, with
/// `builds` behind Lanner, which they are to be compared with.
fn chosen(mode: &Mode, names: &[String], builds: &[&'static Peer]) -> Result<Vec<&'static Peer>> {
    for name in names {
        mode.peers
            .iter()
            .find(|peer| peer.name == name)
            .with_context(|| {
                let names: Vec<&str> = mode.peers.iter().map(|peer| peer.name).collect();
                let names = names.join(", ");
                format!(
                    "no server {name:?} in mode {}; there are {names}",
                    mode.name
                )
            })?;
    }
    let wanted = |peer: &&Peer| names.is_empty() || names.iter().any(|name| name == peer.name);
    let mut peers: Vec<_> = mode.peers.iter().copied().filter(wanted).collect();
    let lanner = peers.iter().position(|peer| peer.name == peer::LANNER.name);
    let behind = lanner.map_or(peers.len(), |lanner| lanner + 1);
    peers.splice(behind..behind, builds.iter().copied());
    Ok(peers)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mode;

    /// The conditions of a report that a test makes.
    pub(in crate::compare) fn conditions(mode: &str, reference: &'static str) -> Conditions {
        let mode = mode::find(mode).unwrap();
        Conditions {
            mode: mode.name,
            title: mode.title,
            rounds: 2,
            date: "today".to_owned(),
            machine: "a machine".to_owned(),
            load_generator: "a client".to_owned(),
            cores: Cores {
                server: 1,
                client: 0,
            },
            reference,
            absent: Vec::new(),
            negotiated: Vec::new(),
        }
    }

    /// A plan of servers that are never started.
    pub(in crate::compare) fn plan(mode: &str, rounds: u32, interrupt: &Interrupt) -> Plan {
        let mode = mode::find(mode).unwrap();
        let content = Content::create(&[]).unwrap();
        Plan {
            mode,
            contenders: mode
                .peers
                .iter()
                .map(|peer| (*peer, PathBuf::new()))
                .collect(),
            absent: Vec::new(),
            rounds,
            cores: conditions(mode.name, mode.reference).cores,
            setting: Setting::new(mode, content, 0, interrupt).unwrap(),
            negotiated: Vec::new(),
        }
    }

    #[test]
    fn servers_are_chosen_by_name_in_the_order_of_the_mode() {
        let mode = mode::find("h1").unwrap();
        let names = |wanted: &[&str]| -> Vec<&str> {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            let peers = chosen(mode, &wanted, &[]).unwrap();
            peers.iter().map(|peer| peer.name).collect()
        };
        assert_eq!(names(&[]).len(), mode.peers.len());
        assert_eq!(names(&["nginx", "floor"]), ["floor", "nginx"]);
        assert!(chosen(mode, &["apache".to_owned()], &[]).is_err());
    }

    #[test]
    fn builds_stand_behind_lanner_and_take_no_reference() {
        let builds = ["before", "after"].map(|name| {
            let text = format!("{name}=/bin/true");
            peer::other_build(&text).unwrap()
        });
        let names = |wanted: &str| -> Vec<&str> {
            let mode = mode::find("h1").unwrap();
            let wanted: Vec<String> = wanted.split(',').map(str::to_owned).collect();
            let peers = chosen(mode, &wanted, &builds).unwrap();
            peers.iter().map(|peer| peer.name).collect()
        };
        let all = names("nginx,lanner,floor");
        assert_eq!(all, ["floor", "lanner", "before", "after", "nginx"]);
        assert_eq!(reference(mode::find("h1").unwrap(), &all), "floor");
        assert_eq!(names("nginx"), ["nginx", "before", "after"]);
    }

    #[test]
    fn the_reference_is_that_of_the_mode_or_the_first_there_is() {
        let mode = mode::find("h2").unwrap();
        assert_eq!(reference(mode, &["lanner", "h2o"]), "h2o");
        assert_eq!(reference(mode, &["hyper", "nginx"]), "hyper");
    }

    #[test]
    fn who_is_absent_is_named_with_the_reason() {
        let mut conditions = conditions("h1", "floor");
        assert_eq!(conditions.absences(), "");
        for (server, failed) in [("nginx", false), ("h2o", true)] {
            conditions.absent.push(Absent {
                server,
                reason: "a reason".to_owned(),
                failed,
            });
        }
        let text = conditions.absences();
        assert!(
            text.contains("nginx, for a reason") && text.contains("h2o"),
            "{text}"
        );
        assert_eq!(conditions.failures(), ["  h2o: a reason"]);
    }
}
