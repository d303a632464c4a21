//! Killed at any moment, a save or a copy leaves the old nodes, or nothing, or the complete new ones, and the
//! same command does its work when it is run again.
//!
//! `ZARR_KILLS` is the number of kills of each operation, `ZARR_ELEMENTS` the length of an array, `ZARR_SEED`
//! the beginning of the random numbers.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::place::{Place, digests, npy};

/// The elements of an array in a group, if not said otherwise; an array alone has four times as many.
const N_ELEMENTS: u64 = 1 << 19;
/// Chunks are small, so that there are many moments to be killed at.
const CHUNKS: &str = "16384";

/// The runs that are not killed, from which it is known how long one takes.
const UNDISTURBED: u64 = 4;

type Digests = BTreeMap<String, String>;

/// Random numbers (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// From 0 to 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn npy(&mut self, n_elements: u64) -> Vec<u8> {
        let values: Vec<_> = (0..n_elements).map(|_| self.next() as i32).collect();
        npy(&[n_elements], &values)
    }
}

/// What is killed.
struct Operation {
    name: &'static str,
    /// The commands to choose from by turns, each with what is at the destination when it is done.
    turns: Vec<(String, Digests)>,
    /// Whether something is there before, and has to be there afterwards.
    replaces: bool,
    /// Whether all arrays change in one step.
    is_one_step: bool,
}

/// How often what was found after a kill.
#[derive(Debug, Default)]
struct Counts {
    old: usize,
    absent: usize,
    new: usize,
    mixed: usize,
    /// The arrays that were new where others were old.
    of_mixed_new: usize,
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Kills an operation on `dest` again and again.
fn kill_often(place: &Place, dest: &str, operation: &Operation) {
    let seed = setting("ZARR_SEED", 1);
    let n_kills = setting("ZARR_KILLS", 10);
    let mut random = Random(seed);
    let path = place.path(dest);
    let mut counts = Counts::default();
    let mut time = Duration::MAX;
    for number in 0..n_kills + UNDISTURBED {
        let (line, new) = &operation.turns[number as usize % operation.turns.len()];
        let old = if operation.replaces {
            digests(&path)
        } else {
            remove(&path);
            Digests::new()
        };
        if number < UNDISTURBED {
            let start = Instant::now();
            place.done(line);
            // The first time there is nothing to be replaced.
            if number > 0 {
                time = time.min(start.elapsed());
            }
            assert_eq!(digests(&path), *new, "{line}");
            continue;
        }
        let wait = time.mul_f64(random.part() * 1.05);
        let what = format!(
            "{}: seed={seed}, kill {} after {wait:?} of {time:?}",
            operation.name,
            number - UNDISTURBED
        );
        let words: Vec<_> = line.split_whitespace().collect();
        let mut child = place.command(&words).stdout(Stdio::null()).spawn().unwrap();
        thread::sleep(wait);
        child.kill().unwrap();
        child.wait().unwrap();

        let found = digests(&path);
        check(&found, &old, new, operation, &what);
        if found == *new {
            counts.new += 1;
        } else if found.is_empty() {
            counts.absent += 1;
        } else if found == old {
            counts.old += 1;
        } else {
            counts.mixed += 1;
            counts.of_mixed_new += found
                .iter()
                .filter(|(path, hex)| new.get(*path) == Some(*hex))
                .count();
        }
        // Nothing but nodes is listed.
        if path.exists() {
            let tree = place.done(&format!("tree {dest}"));
            assert!(!tree.contains("partial"), "{what}: {tree}");
        }
        let again = place.run(line);
        let is_done_already = !operation.replaces && found == *new && operation.name.starts_with("copy");
        let expected = if is_done_already { 7 } else { 0 };
        assert_eq!(again.status, expected, "{what}: {}", again.stderr);
        assert_eq!(digests(&path), *new, "{what}: run again");
    }
    eprintln!("{}: {n_kills} kills over {time:?}: {counts:?}", operation.name);
}

fn check(found: &Digests, old: &Digests, new: &Digests, operation: &Operation, what: &str) {
    if operation.is_one_step {
        assert!(found == old || found == new, "{what}: neither old nor new");
        return;
    }
    for (path, hex) in found {
        let is_whole = old.get(path) == Some(hex) || new.get(path) == Some(hex);
        assert!(is_whole, "{what}: {path} is neither old nor new");
    }
    for path in old.keys() {
        assert!(found.contains_key(path), "{what}: {path} is gone");
    }
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

/// A place with the NumPy files `0.npy` and `1.npy`, and groups `0.zarr` and `1.zarr` of four arrays each.
fn place_with_data() -> Place {
    let place = Place::new();
    let mut random = Random(setting("ZARR_SEED", 1));
    let n_elements = setting("ZARR_ELEMENTS", N_ELEMENTS);
    for name in ["0", "1"] {
        place.write(&format!("{name}.npy"), &random.npy(4 * n_elements));
        let members = ["a", "b", "deep/c", "deep/d"].map(|member| {
            let file = format!("{name}-{}.npy", member.replace('/', "-"));
            place.write(&file, &random.npy(n_elements));
            format!("{member}={file}")
        });
        place.done(&format!(
            "save {name}.zarr {} --chunks {CHUNKS}",
            members.join(" ")
        ));
    }
    place
}

/// What a command leaves at a destination that is then removed.
fn result(place: &Place, line: &str, dest: &str) -> (String, Digests) {
    place.done(line);
    let found = digests(&place.path(dest));
    assert!(!found.is_empty());
    remove(&place.path(dest));
    (line.to_owned(), found)
}

fn members(name: &str) -> String {
    ["a", "b", "deep/c", "deep/d"]
        .map(|member| format!("{member}={name}-{}.npy", member.replace('/', "-")))
        .join(" ")
}

#[test]
fn a_killed_save_over_an_array_leaves_the_old_or_the_new_one() {
    let place = place_with_data();
    let turns = ["0", "1"].map(|name| {
        let line = format!("save dest.zarr {name}.npy --chunks {CHUNKS}");
        result(&place, &line, "dest.zarr")
    });
    let operation = Operation {
        name: "save over an array",
        turns: turns.into(),
        replaces: true,
        is_one_step: true,
    };
    kill_often(&place, "dest.zarr", &operation);
}

#[test]
fn a_killed_save_of_a_group_leaves_nothing_or_all_of_it() {
    let place = place_with_data();
    let line = format!("save dest.zarr {} --chunks {CHUNKS}", members("0"));
    let operation = Operation {
        name: "save of a group",
        turns: vec![result(&place, &line, "dest.zarr")],
        replaces: false,
        is_one_step: true,
    };
    kill_often(&place, "dest.zarr", &operation);
}

#[test]
fn a_killed_copy_to_a_new_store_leaves_nothing_or_all_of_it() {
    let place = place_with_data();
    let operation = Operation {
        name: "copy-all to a new store",
        turns: vec![result(
            &place,
            "copy-all 0.zarr dest.zarr --chunks 8192",
            "dest.zarr",
        )],
        replaces: false,
        is_one_step: true,
    };
    kill_often(&place, "dest.zarr", &operation);
}

#[test]
fn a_killed_copy_over_a_store_leaves_each_array_old_or_new() {
    let place = place_with_data();
    let turns = ["0", "1"].map(|name| {
        let line = format!("copy-all {name}.zarr dest.zarr --if-exists replace --chunks 8192");
        result(&place, &line, "dest.zarr")
    });
    let operation = Operation {
        name: "copy-all over a store",
        turns: turns.into(),
        replaces: true,
        is_one_step: false,
    };
    kill_often(&place, "dest.zarr", &operation);
}

#[test]
fn a_killed_copy_to_an_archive_leaves_nothing_or_all_of_it() {
    let place = place_with_data();
    let operation = Operation {
        name: "copy-all to an archive",
        turns: vec![result(
            &place,
            "copy-all 0.zarr dest.zip --chunks 8192",
            "dest.zip",
        )],
        replaces: false,
        is_one_step: true,
    };
    kill_often(&place, "dest.zip", &operation);
}

#[test]
fn a_killed_copy_of_keys_to_a_new_store_leaves_nothing_or_all_of_it() {
    let place = place_with_data();
    let operation = Operation {
        name: "copy-store to a new store",
        turns: vec![result(&place, "copy-store 0.zarr dest.zarr", "dest.zarr")],
        replaces: false,
        is_one_step: true,
    };
    kill_often(&place, "dest.zarr", &operation);
}
