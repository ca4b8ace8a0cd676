//! How much memory a server locks, and what to say where there is too little.

use std::fs;

use super::error::StartError;
use crate::ring::{RingConfig, SetupError};
use crate::shard::shell::ShellKind;

/// The limit of locked memory that so many shards need.
pub(crate) fn needed(shards: usize, shell: ShellKind) -> u64 {
    let (beside, least) = shell.locked_bytes();
    let each = RingConfig::default().locked_bytes() + beside;
    (shards as u64 * each).max(least)
}

/// Says of a start that failed for want of locked memory how much it takes.
pub(super) fn explained(error: StartError, shards: usize, shell: ShellKind) -> StartError {
    match error {
        StartError::Ring(SetupError::OutOfMemory) => StartError::LockedMemory {
            shards,
            needed: needed(shards, shell),
            limit: limit(&fs::read_to_string("/proc/self/limits").unwrap_or_default()),
        },
        other => other,
    }
}

/// The soft limit in `/proc/self/limits`; none where there is no limit or it is not shown.
fn limit(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max locked memory"));
    line?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_need_grows_with_the_shards() {
        let kib = |shards, shell| needed(shards, shell) / 1024;
        // The least with which glommio starts; then 108 KiB of each ring, and of each executor three
        // times 64 KiB and two pages.
        assert_eq!(kib(1, ShellKind::Glommio), 512);
        assert_eq!(kib(2, ShellKind::Glommio), 648);
        assert_eq!(kib(8, ShellKind::Glommio), 2592);
        assert_eq!(kib(8, ShellKind::Thread), 864);
    }

    #[test]
    fn the_limit_is_the_soft_one() {
        let shown = "Limit Soft Hard\nMax locked memory         65536     131072     bytes\n";
        assert_eq!(limit(shown), Some(65_536));
        assert_eq!(
            limit("Max locked memory  unlimited  unlimited  bytes"),
            None
        );
        assert_eq!(limit(""), None);
    }

    #[test]
    fn a_want_of_memory_is_told_with_the_need() {
        let error = StartError::Ring(SetupError::OutOfMemory);
        let text = explained(error, 8, ShellKind::Glommio).to_string();
        assert!(text.contains("8 shards lock 2592 KiB"), "{text}");
        assert!(text.contains("ulimit -l 2592"), "{text}");
        let error = StartError::Ring(SetupError::Forbidden);
        let text = explained(error, 8, ShellKind::Glommio).to_string();
        assert!(!text.contains("KiB"), "{text}");
    }
}
