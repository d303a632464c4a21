use super::*;

const LIMITS: ChildLimits = ChildLimits {
    memory: 256 << 20,
    time: Duration::from_secs(20),
    cpu_time: Duration::from_secs(20),
};

/// Runs a line of the shell, and gives its end and what it said.
fn run(line: &str, limits: &ChildLimits) -> (Result<ExitStatus>, Vec<String>) {
    let mut program = Command::new("sh");
    program.args(["-c", line]).stdout(Stdio::null());
    let mut heard = Vec::new();
    let end = run_child("x.h5", program, limits, &Cancel::default(), &mut |line| {
        heard.push(line.to_owned());
    });
    (end, heard)
}

fn refused(end: Result<ExitStatus>) -> String {
    let error = end.err();
    assert!(matches!(error, Some(Error::Refused { .. })), "{error:?}");
    error.map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn statuses_and_words_are_passed_on() {
    let (end, heard) = run("echo one >&2; printf 'two\\nthree' >&2; exit 7", &LIMITS);
    assert_eq!(end.unwrap().code(), Some(7));
    assert_eq!(heard, ["one", "two", "three"]);
    let (_, heard) = run("head -c 200000 /dev/zero >&2", &LIMITS);
    assert_eq!(heard.iter().map(String::len).sum::<usize>(), 200_000);
    assert!(heard.iter().all(|line| line.len() <= 1 << 16));
}

#[test]
fn the_last_words_are_waited_for() {
    let (end, heard) = run("(sleep 0.3; echo late >&2) & exit 3", &LIMITS);
    assert_eq!(end.unwrap().code(), Some(3));
    assert_eq!(heard, ["late"]);
}

#[test]
fn signals_are_named() {
    for (signal, name) in [("SEGV", "11 (SIGSEGV)"), ("ABRT", "6 (SIGABRT)"), ("USR1", "10")] {
        let (end, _) = run(&format!("kill -{signal} $$"), &LIMITS);
        match end {
            Err(Error::Source { what, reason }) => {
                assert_eq!(what, "x.h5");
                assert_eq!(reason, format!("signal {name} ended the process that read it"));
            }
            other => panic!("{other:?}"),
        }
    }
    let (end, _) = run("exit 101", &LIMITS);
    assert!(end.unwrap_err().to_string().contains("panicked"));
}

#[test]
fn one_that_never_ends_is_ended() {
    let time = Duration::from_millis(300);
    let start = Instant::now();
    let (end, _) = run("sleep 100", &ChildLimits { time, ..LIMITS });
    assert_eq!(refused(end), "x.h5: reading it took longer than 0 s");
    // Its own child still has the pipe, and is not waited for.
    let (end, _) = run("sleep 30 & sleep 100", &ChildLimits { time, ..LIMITS });
    refused(end);
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn one_that_computes_for_ever_is_ended() {
    let cpu_time = Duration::from_secs(1);
    let (end, _) = run("while :; do :; done", &ChildLimits { cpu_time, ..LIMITS });
    assert_eq!(refused(end), "x.h5: reading it took more than 1 s of computing");
}

#[test]
fn one_that_takes_all_memory_gets_an_error() {
    // Rust's own words, as a program of Rust would have them.
    let line = "echo 'memory allocation of 1 bytes failed' >&2; kill -ABRT $$";
    let (end, heard) = run(line, &LIMITS);
    assert_eq!(
        refused(end),
        "x.h5: reading it took more than 268435456 bytes of memory"
    );
    assert_eq!(heard, [""; 0]);
    // The limit is there: `tail` keeps a line whole, which has no end.
    let (end, heard) = run("tail -n 1 /dev/zero", &LIMITS);
    assert_eq!(end.unwrap().code(), Some(1));
    assert!(heard.concat().contains("memory exhausted"), "{heard:?}");
}

#[test]
fn there_are_no_core_dumps_and_limits_are_only_lowered() {
    let line = "ulimit -c >&2; ulimit -t >&2; ulimit -d >&2";
    let (_, heard) = run(line, &LIMITS);
    assert_eq!(heard, ["0", "20", "262144"]);
    let nested = "ulimit -d 1000; ulimit -t 5; exec sh -c 'ulimit -d >&2'";
    assert_eq!(run(nested, &LIMITS).1, ["1000"]);
}

#[test]
fn one_that_is_cancelled_is_asked_to_stop() {
    let mut program = Command::new("sh");
    program.args([
        "-c",
        "trap 'exit 130' TERM; echo ready >&2; while :; do sleep 0.1; done",
    ]);
    let mut heard = Vec::new();
    let other = Cancel::default();
    let end = run_child("x.h5", program, &LIMITS, &other, &mut |line| {
        heard.push(line.to_owned());
        other.cancel();
    });
    assert_eq!(end.unwrap().code(), Some(130));
    assert_eq!(heard, ["ready"]);
}

#[test]
fn one_that_cannot_be_started_says_so() {
    let program = Command::new("/no/such/program");
    let end = run_child("x.h5", program, &LIMITS, &Cancel::default(), &mut |_| {});
    assert!(
        matches!(
            end,
            Err(Error::File {
                action: "starting",
                ..
            })
        ),
        "{end:?}"
    );
}
