//! What the program decides, by running it here, and that the kernel takes it. That connections
//! arrive where they should is for `tests/server/steering.rs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::super::address::Endpoint;
use super::super::listener::{BindOptions, DEFAULT_BACKLOG, bind};
use super::*;

/// What a program returns when a packet is processed on `cpu`. Knows the instructions that are used.
fn run(program: &[libc::sock_filter], cpu: u32) -> u32 {
    let (mut at, mut accumulator) = (0, None);
    loop {
        let instruction = &program[at];
        at += 1;
        match u32::from(instruction.code) {
            code if code == BPF_LD | BPF_W | BPF_ABS => {
                assert_eq!(instruction.k as i32, SKF_AD_OFF + SKF_AD_CPU);
                accumulator = Some(cpu);
            }
            code if code == BPF_JMP | BPF_JEQ | BPF_K => {
                let equal = accumulator == Some(instruction.k);
                at += usize::from(if equal {
                    instruction.jt
                } else {
                    instruction.jf
                });
            }
            code if code == BPF_RET | BPF_K => return instruction.k,
            code => panic!("{code:#x} is not used"),
        }
    }
}

#[test]
fn each_cpu_has_its_shard_and_others_leave_it_to_the_hash() {
    for (cpus, expected) in [
        (vec![0, 1], vec![(0, 0), (1, 1), (2, BY_HASH)]),
        (vec![3, 5], vec![(0, BY_HASH), (3, 0), (4, BY_HASH), (5, 1)]),
        // More shards than CPUs: the first CPU has two, and the second one of its own.
        (vec![0, 1, 0], vec![(0, BY_HASH), (1, 1)]),
        (vec![7, 7, 7], vec![(7, BY_HASH)]),
        (vec![], vec![(0, BY_HASH)]),
    ] {
        let program = program(&cpus);
        for (cpu, shard) in expected {
            assert_eq!(run(&program, cpu), shard, "CPU {cpu} of {cpus:?}");
        }
    }
}

proptest! {
    #[test]
    fn a_cpu_of_one_shard_names_it(
        cpus in prop::collection::vec(0_usize..64, 0..1024),
        cpu in 0_u32..80,
    ) {
        let shards: Vec<usize> = (0..cpus.len()).filter(|shard| cpus[*shard] == cpu as usize).collect();
        let expected = match shards.as_slice() {
            [shard] => *shard as u32,
            _ => BY_HASH,
        };
        prop_assert_eq!(run(&program(&cpus), cpu), expected);
    }
}

fn listeners(url: &str, shards: usize) -> Vec<Vec<Listener>> {
    let options = BindOptions {
        backlog: DEFAULT_BACKLOG,
        reuse_port: false,
        shards: NonZeroUsize::new(shards).unwrap(),
    };
    bind(&Endpoint::parse_list(url).unwrap(), options)
        .unwrap()
        .per_shard
}

#[test]
fn the_kernel_takes_the_longest_program() {
    let longest: Vec<usize> = (0..1024).collect();
    let shards = listeners("http://127.0.0.1:0", 2);
    steer_by_cpu(&shards, &longest).unwrap();
}

#[test]
fn what_is_no_group_is_left_alone() {
    steer_by_cpu(&[], &[]).unwrap();
    steer_by_cpu(&listeners("http://127.0.0.1:0", 1), &[0]).unwrap();
    let name = format!("http://unix:@lanner-steering-{}", std::process::id());
    steer_by_cpu(&listeners(&name, 2), &[0, 1]).unwrap();
}
