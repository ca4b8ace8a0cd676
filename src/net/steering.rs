//! Which shard gets a new connection: the choice among the listening sockets of one address.
//!
//! Owns the program that makes the kernel choose by the CPU on which a connection's first packet is
//! processed, and its attachment. Left alone the kernel chooses by a hash of both addresses and
//! ports. Knows nothing of shards but their CPUs and their sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SKF_AD_CPU, SKF_AD_OFF};
use nix::sys::socket::{setsockopt, sockopt::AttachReusePortCbpf};

use super::address::BoundPlace;
use super::listener::Listener;

#[cfg(test)]
mod tests;

/// How the kernel spreads new TCP connections over the shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steering {
    /// By a hash of addresses and ports: even over many connections, whatever the network does.
    #[default]
    Hash,
    /// To the shard of the CPU on which the first packet is processed, so that a connection's packets
    /// and its requests stay on one CPU. As even as the network card spreads connections over CPUs
    /// (`docs/SCALING.md`). CPUs that have no shard of their own leave it to the hash.
    ReceivingCpu,
}

/// Why connections cannot be steered.
#[derive(Debug)]
pub enum SteeringError {
    /// Sockets of other processes, which share the addresses, are numbered with the shards'.
    SharedPort,
    /// The kernel refuses the program.
    Refused(io::Error),
}

impl fmt::Display for SteeringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedPort => f.write_str(
                "connections cannot be steered by CPU while other processes share the port; \
                 leave out one of the two",
            ),
            Self::Refused(error) => write!(
                f,
                "the kernel does not steer connections by CPU: {error}; leave it to the hash",
            ),
        }
    }
}

impl std::error::Error for SteeringError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::SharedPort => None,
            Self::Refused(error) => Some(error),
        }
    }
}

/// A result that names no socket: the kernel then chooses by the hash.
const BY_HASH: u32 = u32::MAX;

/// Makes the kernel choose by CPU for every TCP address of these shards, whose CPUs are in the same
/// order. Sockets of one address are numbered in the order in which they began to listen, which is
/// that of the shards.
pub(crate) fn steer_by_cpu(
    per_shard: &[Vec<Listener>],
    cpus: &[usize],
) -> Result<(), SteeringError> {
    let Some((first, others)) = per_shard.split_first() else {
        return Ok(());
    };
    if others.is_empty() {
        // There is nothing to choose, and a single socket is no group that a program could be for.
        return Ok(());
    }
    let mut program = program(cpus);
    for listener in first {
        let is_tcp = !matches!(
            listener.address().place,
            BoundPlace::Unix(_) | BoundPlace::Abstract(_)
        );
        if is_tcp {
            attach(listener.as_fd(), &mut program).map_err(SteeringError::Refused)?;
        }
    }
    Ok(())
}

/// Attaches a program to the whole group of a socket.
fn attach(socket: BorrowedFd<'_>, program: &mut [libc::sock_filter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog {
        len,
        filter: program.as_mut_ptr(),
    };
    Ok(setsockopt(&socket, AttachReusePortCbpf, &program)?)
}

/// A program of classic BPF whose result is the number of the socket.
///
/// One comparison for each CPU: it runs once for each connection, and knows CPUs with gaps between.
fn program(cpus: &[usize]) -> Vec<libc::sock_filter> {
    // CPUs with a shard of their own; several shards on one would leave all but one idle.
    let mut owners: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    for (shard, cpu) in cpus.iter().enumerate() {
        let owner = owners.entry(*cpu).or_insert(Some(shard));
        if *owner != Some(shard) {
            *owner = None;
        }
    }
    let load_cpu = instruction(
        BPF_LD | BPF_W | BPF_ABS,
        (SKF_AD_OFF + SKF_AD_CPU) as u32,
        0,
    );
    let mut program = vec![load_cpu];
    for (cpu, owner) in owners {
        let (Ok(cpu), Some(shard)) = (u32::try_from(cpu), owner) else {
            continue;
        };
        // Skips the return when it is another CPU.
        program.push(instruction(BPF_JMP | BPF_JEQ | BPF_K, cpu, 1));
        program.push(instruction(BPF_RET | BPF_K, shard as u32, 0));
    }
    program.push(instruction(BPF_RET | BPF_K, BY_HASH, 0));
    program
}

fn instruction(code: u32, k: u32, skipped_if_false: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: skipped_if_false,
        k,
    }
}
