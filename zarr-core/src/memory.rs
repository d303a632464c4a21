//! How much memory this process may use, as far as the system says.

use std::{fs, path::Path, sync::OnceLock};

/// In bytes; a guess of 8 GiB where the system does not say.
pub(crate) fn available() -> u64 {
    const GUESS: u64 = 8 << 30;
    static SIZE: OnceLock<u64> = OnceLock::new();
    *SIZE.get_or_init(|| least(&|path| fs::read_to_string(path).ok()).unwrap_or(GUESS))
}

/// The least of what the machine has and what is granted to the process; `read` gives the text of a file.
fn least(read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let total = read("/proc/meminfo").and_then(|text| after(&text, "MemTotal:")?.checked_mul(1024));
    let limits = read("/proc/self/limits").unwrap_or_default();
    let limits = ["Max address space", "Max data size"].map(|name| after(&limits, name));
    let groups = groups(&read("/proc/self/cgroup").unwrap_or_default());
    let groups = groups.iter().map(|path| number(&read(path)?));
    limits.into_iter().chain(groups).flatten().chain(total).min()
}

/// The number behind a name that a line begins with; none where it says `unlimited`.
fn after(text: &str, name: &str) -> Option<u64> {
    number(text.lines().find_map(|line| line.strip_prefix(name))?)
}

fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The files that say what control groups are granted: those of the process and those that they are in.
fn groups(own: &str) -> Vec<String> {
    // A container sees its own group as the root, which other processes are not listed in.
    let mut files = vec!["/sys/fs/cgroup/memory.max".to_owned()];
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        for group in Path::new(group).ancestors() {
            let group = group.to_string_lossy();
            let group = group.trim_end_matches('/');
            files.push(format!("{root}{group}/{name}"));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: (&str, &str) = ("/proc/meminfo", "MemTotal:  1000 kB\nMemFree:  1 kB\n");

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(least(&read), expected);
    }

    #[test]
    fn the_machine_has_a_size() {
        check(&[MACHINE], Some(1_024_000));
        check(&[], None);
    }

    #[test]
    fn limits_of_the_process_count() {
        let limits = |space: &str, data: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             {data:<20} unlimited            bytes     \n\
                 Max address space         {space:<20} unlimited            bytes     \n"
            )
        };
        for (space, data, expected) in [
            ("unlimited", "unlimited", 1_024_000),
            ("500000", "unlimited", 500_000),
            ("500000", "400000", 400_000),
        ] {
            check(
                &[MACHINE, ("/proc/self/limits", &limits(space, data))],
                Some(expected),
            );
        }
    }

    #[test]
    fn groups_of_the_process_count_and_those_around_them() {
        let own = ("/proc/self/cgroup", "0::/user.slice/job\n");
        check(
            &[
                MACHINE,
                own,
                ("/sys/fs/cgroup/user.slice/job/memory.max", "300\n"),
            ],
            Some(300),
        );
        let around = ("/sys/fs/cgroup/user.slice/memory.max", "200\n");
        check(
            &[
                MACHINE,
                own,
                around,
                ("/sys/fs/cgroup/user.slice/job/memory.max", "max\n"),
            ],
            Some(200),
        );
        check(&[MACHINE, ("/sys/fs/cgroup/memory.max", "100\n")], Some(100));
        let own = ("/proc/self/cgroup", "5:cpu,memory:/job\n4:cpuset:/other\n");
        check(
            &[
                MACHINE,
                own,
                ("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "400\n"),
            ],
            Some(400),
        );
    }
}
