//! Limits of a process, as the system knows them.
#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "limits are set between the making of a process and its program"
    )
)]

use std::{
    io,
    process::{Child, Command, ExitStatus},
};

use super::ChildLimits;

/// How a process ended that did not end by itself.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The number and the name of the signal.
    pub(super) signal: Option<String>,
    /// Whether it had computed for too long.
    pub(super) is_cpu_time: bool,
}

/// Has the program begin with limits, no core dumps and a group of its own.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no limits")]
pub(super) fn put_on(program: &mut Command, limits: &ChildLimits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getpid, setrlimit};
    use std::os::unix::process::CommandExt;

    let rlimit = |soft: u64, hard: u64| Rlimit {
        current: Some(soft),
        maximum: Some(hard),
    };
    let seconds = limits.cpu_time.as_secs().max(1);
    // Of addresses, allocators reserve more for each thread than they use.
    let addresses = limits.memory.saturating_mul(2).saturating_add(2 << 30);
    let all = [
        (Resource::Core, rlimit(0, 0)),
        // The soft one ends it with a signal that says why.
        (Resource::Cpu, rlimit(seconds, seconds.saturating_add(1))),
        (Resource::Data, rlimit(limits.memory, limits.memory)),
        (Resource::As, rlimit(addresses, addresses)),
    ];
    let caller = getpid();
    program.process_group(0);
    let begin = move || {
        for (resource, limit) in all {
            setrlimit(resource, clamped(resource, limit))?;
        }
        die_with(caller)
    };
    // SAFETY: between `fork` and `exec` of a process that may have had threads, only what is safe in a handler of
    // signals may be called. The closure makes system calls alone: it allocates nothing and takes no lock, and what it
    // owns are numbers.
    unsafe { program.pre_exec(begin) };
    Ok(())
}

/// A limit that is not above that of this process, which only a privileged one could set.
#[cfg(unix)]
fn clamped(resource: rustix::process::Resource, limit: rustix::process::Rlimit) -> rustix::process::Rlimit {
    let own = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let under = |value: Option<u64>| Some(value.unwrap_or(u64::MAX).min(own));
    rustix::process::Rlimit {
        current: under(limit.current),
        maximum: under(limit.maximum),
    }
}

/// Has the system end this process when its parent ends, which may just have happened.
#[cfg(target_os = "linux")]
fn die_with(parent: rustix::process::Pid) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() == Some(parent) {
        Ok(())
    } else {
        Err(io::ErrorKind::Interrupted.into())
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn die_with(_: rustix::process::Pid) -> io::Result<()> {
    Ok(())
}

/// Sends the signal that asks to stop; one that has ended needs none.
#[cfg(unix)]
pub(super) fn ask_to_stop(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// Ends a program, and on Unix what it has started.
pub(super) fn end(child: &mut Child) -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        // It leads a group of its own, which has its number as long as nobody has waited for it.
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            return kill_process_group(pid, Signal::KILL).is_ok();
        }
    }
    child.kill().is_ok()
}

#[cfg(unix)]
impl End {
    pub(super) fn of(status: ExitStatus) -> Self {
        use rustix::process::Signal;
        use std::os::unix::process::ExitStatusExt;

        let names = [
            (Signal::SEGV, "SIGSEGV"),
            (Signal::ABORT, "SIGABRT"),
            (Signal::BUS, "SIGBUS"),
            (Signal::FPE, "SIGFPE"),
            (Signal::ILL, "SIGILL"),
            (Signal::KILL, "SIGKILL"),
            (Signal::TERM, "SIGTERM"),
            (Signal::TRAP, "SIGTRAP"),
            (Signal::SYS, "SIGSYS"),
        ];
        let Some(number) = status.signal() else {
            return Self::default();
        };
        let name = names.iter().find(|(signal, _)| signal.as_raw() == number);
        let signal = name.map_or_else(
            || format!("signal {number}"),
            |(_, name)| format!("signal {number} ({name})"),
        );
        Self {
            signal: Some(signal),
            is_cpu_time: number == Signal::XCPU.as_raw(),
        }
    }
}

#[cfg(not(unix))]
pub(super) fn put_on(_: &mut Command, _: &ChildLimits) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no limits that a process can be given",
    ))
}

#[cfg(not(unix))]
pub(super) fn ask_to_stop(_: &Child) {}

#[cfg(not(unix))]
impl End {
    pub(super) fn of(_: ExitStatus) -> Self {
        Self::default()
    }
}
