//! How many shards this process should have, and on which CPUs.
//!
//! Owns the reading of the affinity mask and of cgroup CPU quotas. Pins nothing: that is the
//! shard's shell.

use std::cmp::Ordering;
use std::fmt;
use std::fs;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::thread;

#[cfg(test)]
mod tests;

/// The most shards that can be asked for; shard numbers have room for more, but no machine has
/// gained from it.
pub const MAX_SHARDS: u16 = 1024;

/// The most shards for each usable CPU. Shards that share a CPU gain nothing and cost threads, rings
/// and buffers; some are of use to try many shards on a small machine.
pub(crate) const SHARDS_PER_CPU_MAX: usize = 8;

/// How many shards to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShardCount {
    /// One for every CPU that the process may use: the affinity mask, further bounded by the CPU
    /// quota.
    #[default]
    Auto,
    /// This many, at most [`MAX_SHARDS`] and 8 for each usable CPU; more than CPUs share them.
    Fixed(NonZeroU16),
}

impl FromStr for ShardCount {
    type Err = ShardCountError;

    fn from_str(given: &str) -> Result<Self, ShardCountError> {
        if given.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        // `parse` alone would let a plus sign through.
        if given.is_empty() || !given.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ShardCountError::NotANumber);
        }
        given
            .parse()
            .ok()
            .filter(|count: &NonZeroU16| count.get() <= MAX_SHARDS)
            .map(Self::Fixed)
            .ok_or(ShardCountError::OutOfRange)
    }
}

impl fmt::Display for ShardCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Fixed(count) => write!(f, "{count}"),
        }
    }
}

/// A number of shards that cannot be understood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ShardCountError {
    /// Neither `auto` nor a number.
    NotANumber,
    /// 0, or more than [`MAX_SHARDS`].
    OutOfRange,
}

// What a `main` prints that returns it.
impl fmt::Debug for ShardCountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ShardCountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self {
            Self::NotANumber => "not a number of shards",
            Self::OutOfRange => "the number of shards is out of range",
        };
        write!(f, "{fault}; write auto or a number from 1 to {MAX_SHARDS}")
    }
}

impl std::error::Error for ShardCountError {}

/// The CPU time that a cgroup grants within each period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuQuota {
    /// Microseconds of CPU time.
    micros: u64,
    /// Length of the period in microseconds, not 0.
    period: u64,
}

impl CpuQuota {
    fn new(micros: u64, period: u64) -> Option<Self> {
        (micros > 0 && period > 0).then_some(Self { micros, period })
    }

    /// Parses `cpu.max` (cgroup v2): `QUOTA PERIOD`, where the quota is `max` if there is none.
    fn from_cpu_max(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let micros = words.next()?.parse().ok()?;
        Self::new(micros, words.next()?.parse().ok()?)
    }

    /// Parses `cpu.cfs_quota_us` and `cpu.cfs_period_us` (cgroup v1), where the quota is -1 if
    /// there is none.
    fn from_cfs(quota: &str, period: &str) -> Option<Self> {
        Self::new(quota.trim().parse().ok()?, period.trim().parse().ok()?)
    }

    /// CPUs that would be used up in full, rounded up: half a CPU still needs a shard.
    fn whole_cpus(self) -> usize {
        usize::try_from(self.micros.div_ceil(self.period)).unwrap_or(usize::MAX)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let own = u128::from(self.micros) * u128::from(other.period);
        own.cmp(&(u128::from(other.micros) * u128::from(self.period)))
    }
}

impl fmt::Display for CpuQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = u128::from(self.micros) * 100 / u128::from(self.period);
        write!(f, "{}.{:02} CPUs", hundredths / 100, hundredths % 100)
    }
}

/// The CPUs that this process may use.
#[derive(Clone, Debug)]
pub(crate) struct Cpus {
    /// Ascending, never empty.
    mask: Vec<usize>,
    quota: Option<CpuQuota>,
}

impl Cpus {
    /// Asks the kernel. The mask is that of the calling thread.
    pub(crate) fn discover() -> Self {
        let mask = core_affinity::get_core_ids()
            .unwrap_or_default()
            .into_iter()
            .map(|core| core.id)
            .collect();
        Self::with_root(mask, Path::new("/"))
    }

    /// As [`Cpus::discover`] with a mask that is known and another root for `/proc` and `/sys`.
    fn with_root(mut mask: Vec<usize>, root: &Path) -> Self {
        if mask.is_empty() {
            // A machine with more CPUs than a mask of fixed size holds.
            mask = (0..thread::available_parallelism().map_or(1, NonZeroUsize::get)).collect();
        }
        mask.sort_unstable();
        let quota = quota(root);
        Self { mask, quota }
    }

    /// The CPUs of the affinity mask, ascending.
    pub(crate) fn mask(&self) -> &[usize] {
        &self.mask
    }

    /// The most shards that these CPUs can be asked for.
    pub(crate) fn shards_max(&self) -> usize {
        self.mask.len().saturating_mul(SHARDS_PER_CPU_MAX)
    }

    /// The tightest CPU quota of the cgroups that the process is in.
    pub(crate) fn quota(&self) -> Option<CpuQuota> {
        self.quota
    }

    /// The CPU of each shard; its length is the number of shards. Shards beyond the last CPU start
    /// again at the first.
    pub(crate) fn place(&self, shards: ShardCount) -> Vec<usize> {
        let count = match shards {
            ShardCount::Fixed(count) => usize::from(count.get()),
            ShardCount::Auto => {
                let quota = self.quota.map_or(usize::MAX, CpuQuota::whole_cpus);
                // A quota beyond the largest count is no reason to fail.
                quota.min(self.mask.len()).min(usize::from(MAX_SHARDS))
            }
        };
        self.mask.iter().copied().cycle().take(count).collect()
    }
}

/// The tightest quota in any cgroup hierarchy that accounts for CPU time. Without `/proc` or
/// cgroups there is none.
fn quota(root: &Path) -> Option<CpuQuota> {
    let cgroups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
    cgroups
        .lines()
        .filter_map(Membership::parse)
        .filter_map(|membership| {
            let mount = mounts
                .lines()
                .filter_map(Mount::parse)
                .find(|mount| mount.version == membership.version)?;
            mount.tightest(root, membership.path)
        })
        .min_by(CpuQuota::compare)
}

/// The two versions of cgroups, which one machine may use side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// Hierarchies by controller; here the one of the `cpu` controller.
    V1,
    /// The unified hierarchy.
    V2,
}

/// A line of `/proc/self/cgroup` (cgroups(7)): where in a hierarchy the process is.
struct Membership<'a> {
    version: Version,
    path: &'a Path,
}

impl<'a> Membership<'a> {
    /// Parses `HIERARCHY:CONTROLLERS:PATH`; hierarchies without CPU accounting give nothing.
    fn parse(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let hierarchy = parts.next()?;
        let controllers = parts.next()?;
        let version = match hierarchy {
            "0" if controllers.is_empty() => Version::V2,
            _ if controllers.split(',').any(|name| name == "cpu") => Version::V1,
            _ => return None,
        };
        let path = Path::new(parts.next()?);
        Some(Self { version, path })
    }
}

/// A line of `/proc/self/mountinfo` (proc(5)) that mounts a hierarchy with CPU accounting.
struct Mount<'a> {
    version: Version,
    /// The cgroup that is visible at the mount point; not `/` in a container without a cgroup
    /// namespace.
    top: &'a Path,
    point: &'a Path,
}

impl<'a> Mount<'a> {
    /// Parses `ID PARENT DEVICE TOP POINT OPTIONS [TAG...] - TYPE SOURCE SUPER_OPTIONS`.
    fn parse(line: &'a str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let top = Path::new(place.next()?);
        let point = Path::new(place.next()?);
        let mut kind = kind.split(' ');
        let version = match kind.next()? {
            "cgroup2" => Version::V2,
            "cgroup" if kind.nth(1)?.split(',').any(|name| name == "cpu") => Version::V1,
            _ => return None,
        };
        Some(Self {
            version,
            top,
            point,
        })
    }

    /// The tightest quota from the cgroup at `path` up to the top of the mount: each bounds all
    /// below it.
    fn tightest(&self, root: &Path, path: &Path) -> Option<CpuQuota> {
        let point = root.join(self.point.strip_prefix("/").unwrap_or(self.point));
        // A path outside of the mount (`/../..` in a cgroup namespace) leaves its top, which is all
        // that can be seen.
        let below: PathBuf = path
            .strip_prefix(self.top)
            .ok()
            .filter(|rest| {
                rest.components()
                    .all(|part| matches!(part, Component::Normal(_)))
            })
            .map(Path::to_owned)
            .unwrap_or_default();
        below
            .ancestors()
            .filter_map(|group| self.version.read(&point.join(group)))
            .min_by(CpuQuota::compare)
    }
}

impl Version {
    /// The quota of one cgroup.
    fn read(self, group: &Path) -> Option<CpuQuota> {
        let text = |name| fs::read_to_string(group.join(name)).ok();
        match self {
            Self::V1 => CpuQuota::from_cfs(&text("cpu.cfs_quota_us")?, &text("cpu.cfs_period_us")?),
            Self::V2 => CpuQuota::from_cpu_max(&text("cpu.max")?),
        }
    }
}
