//! The count and placement of shards, over affinity masks and cgroup files made for the purpose.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicU32, Ordering as Atomic};

use super::*;

/// A made-up `/proc` and `/sys`, removed at the end.
struct Root(PathBuf);

impl Root {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "lanner-cpus-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Atomic::Relaxed)
        );
        let root = Self(std::env::temp_dir().join(name));
        for (path, text) in files {
            let path = root.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn quota(&self) -> Option<String> {
        quota(&self.0).map(|quota| quota.to_string())
    }

    fn place(&self, cpus: usize, shards: &str) -> Vec<usize> {
        Cpus::with_root((0..cpus).collect(), &self.0).place(shards.parse().unwrap())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const V2_MOUNT: (&str, &str) = (
    "proc/self/mountinfo",
    "24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n\
     31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
);

#[test]
fn the_number_of_shards_is_auto_or_in_range() {
    let count = |n| Ok(ShardCount::Fixed(NonZeroU16::new(n).unwrap()));
    let table = [
        ("auto", Ok(ShardCount::Auto)),
        ("AUTO", Ok(ShardCount::Auto)),
        ("1", count(1)),
        ("1024", count(1024)),
        ("0", Err(ShardCountError::OutOfRange)),
        ("1025", Err(ShardCountError::OutOfRange)),
        ("99999999999", Err(ShardCountError::OutOfRange)),
        ("", Err(ShardCountError::NotANumber)),
        ("+1", Err(ShardCountError::NotANumber)),
        ("-1", Err(ShardCountError::NotANumber)),
        ("two", Err(ShardCountError::NotANumber)),
        ("1.5", Err(ShardCountError::NotANumber)),
    ];
    for (given, expected) in table {
        assert_eq!(given.parse::<ShardCount>(), expected, "{given}");
    }
    assert_eq!(
        ShardCountError::OutOfRange.to_string(),
        "the number of shards is out of range; write auto or a number from 1 to 1024"
    );
}

#[test]
fn shards_are_placed_on_the_mask_in_turns() {
    let root = Root::new(&[]);
    let cpus = Cpus::with_root(vec![6, 2, 4], &root.0);
    assert_eq!(cpus.mask(), [2, 4, 6]);
    assert_eq!(cpus.place(ShardCount::Auto), [2, 4, 6]);
    assert_eq!(cpus.place("2".parse().unwrap()), [2, 4]);
    assert_eq!(cpus.place("7".parse().unwrap()), [2, 4, 6, 2, 4, 6, 2]);
}

#[test]
fn this_machine_has_at_least_one_cpu() {
    let cpus = Cpus::discover();
    assert!(!cpus.mask().is_empty());
    assert!(!cpus.place(ShardCount::Auto).is_empty());
    assert!(
        !Cpus::with_root(Vec::new(), Path::new("/"))
            .mask()
            .is_empty()
    );
}

#[test]
fn the_tightest_quota_of_nested_groups_counts() {
    let root = Root::new(&[
        ("proc/self/cgroup", "0::/a/b/c\n"),
        V2_MOUNT,
        ("sys/fs/cgroup/a/cpu.max", "250000 100000\n"),
        ("sys/fs/cgroup/a/b/cpu.max", "150000 50000\n"),
        ("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n"),
    ]);
    assert_eq!(root.quota().as_deref(), Some("2.50 CPUs"));
    assert_eq!(root.place(8, "auto"), [0, 1, 2]);
    assert_eq!(root.place(2, "auto"), [0, 1]);
    // What is asked for by number is not cut down.
    assert_eq!(root.place(8, "4").len(), 4);
}

#[test]
fn part_of_a_cpu_is_one_shard() {
    let root = Root::new(&[
        ("proc/self/cgroup", "0::/a\n"),
        V2_MOUNT,
        ("sys/fs/cgroup/a/cpu.max", "5000 100000"),
    ]);
    assert_eq!(root.quota().as_deref(), Some("0.05 CPUs"));
    assert_eq!(root.place(8, "auto"), [0]);
}

#[test]
fn a_container_sees_its_own_group_at_the_mount_point() {
    let quota = ("sys/fs/cgroup/cpu.max", "200000 100000");
    // With a cgroup namespace, with one that the process has left, and without one.
    let mounted_top = (
        "proc/self/mountinfo",
        "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
    );
    for (path, mount) in [
        ("0::/\n", V2_MOUNT),
        ("0::/../other\n", V2_MOUNT),
        ("0::/docker/abc\n", mounted_top),
    ] {
        let root = Root::new(&[("proc/self/cgroup", path), mount, quota]);
        assert_eq!(root.quota().as_deref(), Some("2.00 CPUs"), "{path}");
    }
}

#[test]
fn version_1_is_read_from_the_mount_of_the_cpu_controller() {
    let cgroup = (
        "proc/self/cgroup",
        "3:cpuset:/x\n2:cpuacct,cpu:/a/b\n1:name=systemd:/s\n0::/\n",
    );
    let mounts = (
        "proc/self/mountinfo",
        "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
         32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpuacct,cpu\n\
         41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
    );
    let none = ("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    let period = (
        "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us",
        "100000\n",
    );
    let root = Root::new(&[cgroup, mounts, none, period]);
    assert_eq!(root.quota(), None);

    let root = Root::new(&[
        cgroup,
        mounts,
        none,
        period,
        ("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"),
    ]);
    assert_eq!(root.quota().as_deref(), Some("3.00 CPUs"));

    let root = Root::new(&[
        cgroup,
        mounts,
        ("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"),
        ("sys/fs/cgroup/unified/cpu.max", "100000 100000\n"),
    ]);
    assert_eq!(root.quota().as_deref(), Some("1.00 CPUs"));
}

#[test]
fn what_cannot_be_read_is_no_quota() {
    for text in [
        "",
        "max",
        "max 100000",
        "100000",
        "100000 0",
        "0 100000",
        "-1 5",
        "x y",
    ] {
        let root = Root::new(&[
            ("proc/self/cgroup", "0::/\n"),
            V2_MOUNT,
            ("sys/fs/cgroup/cpu.max", text),
        ]);
        assert_eq!(root.quota(), None, "{text}");
    }
    for line in ["", "nonsense", "0:", "0::", "::"] {
        let root = Root::new(&[("proc/self/cgroup", line), V2_MOUNT]);
        assert_eq!(root.quota(), None, "{line}");
    }
    assert_eq!(Root::new(&[]).quota(), None);
    assert_eq!(Root::new(&[]).place(3, "auto"), [0, 1, 2]);
}

#[test]
fn shards_have_a_bound_for_each_cpu() {
    let cpus = |count: usize| Cpus::with_root((0..count).collect(), Path::new("/no/such/root"));
    assert_eq!(cpus(2).shards_max(), 16);
    assert_eq!(cpus(64).shards_max(), 512);
}
