//! What a benchmark ran on.

/// The processor, how many there are, the memory, and how busy the machine was.
pub(super) fn describe() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let info = read("/proc/cpuinfo");
    let model = member(&info, "model name").unwrap_or(std::env::consts::ARCH);
    let memory = member(&read("/proc/meminfo"), "MemTotal")
        .and_then(kibibytes)
        .map(|size| format!(", {:.0} GiB of memory", size / f64::from(1 << 20)));
    let average = read("/proc/loadavg");
    let load = average
        .split(' ')
        .nth(2)
        .and_then(|load| load.parse::<f64>().ok());
    let load = load.map(|load| {
        let busy = ", so the machine was busy with other work and wall times are too long";
        let busy = if load > 1.5 * threads as f64 { busy } else { "" };
        format!("; in the last 15 minutes {load:.1} threads wanted to run on average{busy}")
    });
    let (memory, load) = (memory.unwrap_or_default(), load.unwrap_or_default());
    format!(
        "{model}, {threads} processors{memory}, {}{load}",
        std::env::consts::OS
    )
}

/// What stands behind a name and a colon.
fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn kibibytes(text: &str) -> Option<f64> {
    text.trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found() {
        let text = "processor\t: 0\nmodel name\t: A Chip\n\nmodel name\t: A Chip\n";
        assert_eq!(member(text, "model name"), Some("A Chip"));
        assert_eq!(member(text, "flags"), None);
        assert_eq!(
            member("MemTotal:   24689764 kB\n", "MemTotal").and_then(kibibytes),
            Some(24_689_764.0)
        );
        assert!(describe().contains("processors"));
    }
}
