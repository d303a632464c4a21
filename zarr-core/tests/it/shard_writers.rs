//! Several processes that write to one shard, one of which is killed: what was acknowledged stays.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection, ZarrFormat,
    codecs::{CodecConfig, DataType},
    store::DirectoryStore,
};

/// Inner chunks of one shard, and as many values.
const N_CHUNKS: u32 = 24;
const CHUNK_LENGTH: u64 = 3;
const WRITERS: u32 = 3;
/// How often each inner chunk is written by a writer that is not killed.
const ROUNDS: u32 = 4;
/// The rounds of one that is: more than it comes to.
const ROUNDS_WITHOUT_END: u32 = 1_000_000;
/// What a line begins with that says that a write has come back.
const DONE: &str = "done ";

/// All elements of an inner chunk as they are after a round; the fill value is 0.
fn value(round: u32, chunk: u32) -> u32 {
    round.wrapping_mul(1000).wrapping_add(chunk)
}

fn place(chunk: u32) -> Selection {
    Selection::region(&[u64::from(chunk) * CHUNK_LENGTH], &[CHUNK_LENGTH])
}

#[test]
fn writer_of_inner_chunks() {
    let Some(root) = std::env::var_os("ZT_TEST_SHARD") else {
        return;
    };
    let number = |name: &str| -> u32 { std::env::var(name).unwrap().parse().unwrap() };
    let (writer, rounds) = (number("ZT_TEST_WRITER"), number("ZT_TEST_ROUNDS"));
    let store = Arc::new(DirectoryStore::open(root).unwrap());
    let array = Array::open(store, &NodePath::root(), &Options::default()).unwrap();
    for round in 1..=rounds {
        for chunk in (writer..N_CHUNKS).step_by(WRITERS as usize) {
            let values = [value(round, chunk); CHUNK_LENGTH as usize];
            array.write_vec(&place(chunk), &values).unwrap();
            // Not by `println`, whose output the test harness keeps.
            writeln!(io::stdout(), "{DONE}{round} {chunk}").unwrap();
        }
    }
}

fn start(root: &std::path::Path, writer: u32, rounds: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "shard_writers::writer_of_inner_chunks"])
        .env("ZT_TEST_SHARD", root)
        .env("ZT_TEST_WRITER", writer.to_string())
        .env("ZT_TEST_ROUNDS", rounds.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The rounds of the inner chunks that a writer acknowledged, which is killed after so many.
fn acknowledged(mut child: Child, killed_after: Option<usize>) -> Vec<u32> {
    let mut rounds = vec![0; N_CHUNKS as usize];
    let mut n_done = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // Before the first stands what the test harness says.
        let Some((_, done)) = line.split_once(DONE) else {
            continue;
        };
        let (round, chunk) = done.split_once(' ').unwrap();
        let chunk: usize = chunk.parse().unwrap();
        rounds[chunk] = round.parse().unwrap();
        n_done += 1;
        if killed_after == Some(n_done) {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(status.success() || killed_after.is_some());
    rounds
}

#[test]
fn what_processes_acknowledge_of_one_shard_outlives_one_that_is_killed() {
    for killed_after in [1, 5, 11] {
        let folder = tempfile::tempdir().unwrap();
        let length = u64::from(N_CHUNKS) * CHUNK_LENGTH;
        let array = ArrayBuilder::new(vec![length], DataType::UInt32)
            .chunk_shape(vec![CHUNK_LENGTH])
            .shard_shape(vec![length])
            .format(ZarrFormat::V3)
            .codecs(vec![
                CodecConfig::of("gzip", json!({"level": 1})),
                CodecConfig::of("crc32c", json!({})),
            ])
            .create(
                Arc::new(DirectoryStore::create(folder.path()).unwrap()),
                &NodePath::root(),
                &Options::default(),
            )
            .unwrap();
        let rounds: Vec<_> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let killed_after = (writer == 0).then_some(killed_after);
                    let rounds = killed_after.map_or(ROUNDS, |_| ROUNDS_WITHOUT_END);
                    let child = start(folder.path(), writer, rounds);
                    scope.spawn(move || acknowledged(child, killed_after))
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let mut n_unacknowledged = 0;
        for chunk in 0..N_CHUNKS {
            let writer = (chunk % WRITERS) as usize;
            let acknowledged = rounds[writer][chunk as usize];
            assert!(writer == 0 || acknowledged == ROUNDS);
            let found = array.read_vec::<u32>(&place(chunk)).unwrap();
            let of_round = |round: u32| match round {
                0 => vec![0; CHUNK_LENGTH as usize],
                _ => vec![value(round, chunk); CHUNK_LENGTH as usize],
            };
            if found != of_round(acknowledged) {
                // It was killed between the write and the word of it.
                assert_eq!(writer, 0, "chunk {chunk}: {found:?}");
                assert_eq!(
                    found,
                    of_round(acknowledged + 1),
                    "chunk {chunk} of the killed one"
                );
                n_unacknowledged += 1;
            }
        }
        assert!(n_unacknowledged <= 1, "{n_unacknowledged} writes without a word");
    }
}
