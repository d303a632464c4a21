//! Killed at any moment, a command leaves keys whole and nodes old, absent or complete; and run again, killed again
//! or not, it ends with the bytes of one that was never disturbed, and leaves nothing else behind.
//!
//! `ZARR_KILLS` is the number of kills of each operation, `ZARR_ELEMENTS` the length of an array, `ZARR_SEED`
//! the beginning of the random numbers; `cargo xtask kills` sets them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use zarr_convenience::MIGRATION_JOURNAL;

use crate::place::{Place, digests, npy};

mod migration;
mod rechunk;

/// The elements of an array in a group, if not said otherwise; an array alone has four times as many.
const N_ELEMENTS: u64 = 1 << 17;
/// Chunks are small, so that there are many moments to be killed at.
const CHUNKS: &str = "4096";
/// The runs that are not killed, from which it is known how long one takes.
const UNDISTURBED: u64 = 4;
/// How often a command is killed at most before it may come to its end.
const KILLS_IN_A_ROW: u64 = 3;

/// What is at a destination: the bytes of every file that is no debris, by its path.
type Keys = BTreeMap<PathBuf, Vec<u8>>;

fn random_npy(random: &mut Rng, n_elements: u64) -> Vec<u8> {
    let values: Vec<_> = (0..n_elements).map(|_| random.i32(..)).collect();
    npy(&[n_elements], &values)
}

/// What is killed.
struct Operation {
    name: &'static str,
    dest: &'static str,
    /// The commands to choose from by turns.
    turns: Vec<String>,
    /// What makes the destination as it is before; nothing is there if there is no such command.
    before: Before,
    /// Whether all of it changes in one step.
    is_one_step: bool,
}

/// What is at the destination before the command.
enum Before {
    Nothing,
    /// What the turn before left.
    LastTurn,
    /// What commands make.
    Made(&'static [&'static str]),
}

/// What is at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    keys: Keys,
    /// The digests of the arrays that are visible, whose chunks are then all there.
    digests: BTreeMap<String, String>,
}

impl State {
    fn of(path: &Path) -> Self {
        Self {
            keys: keys(path),
            digests: digests(path),
        }
    }
}

/// What kills came to.
#[derive(Debug, Default)]
struct Counts {
    kills: u64,
    old: u64,
    absent: u64,
    new: u64,
    mixed: u64,
    resumed: u64,
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

impl Operation {
    /// Kills the operation again and again, at random moments.
    fn kill_often(&self, place: &Place) {
        let seed = setting("ZARR_SEED", 1);
        let n_kills = setting("ZARR_KILLS", 8);
        let mut random = Rng::with_seed(seed);
        let path = place.path(self.dest);
        let mut counts = Counts::default();
        let mut time = Duration::MAX;
        let mut ends = BTreeMap::new();
        for turn in 0..UNDISTURBED {
            self.prepare(place, turn);
            let start = Instant::now();
            place.done(self.line(turn));
            if turn > 0 {
                time = time.min(start.elapsed());
            }
            let new = State::of(&path);
            let before = ends.insert(self.line(turn), new.clone());
            assert!(
                before.is_none_or(|before| before == new),
                "{}: two ends",
                self.name
            );
        }
        let mut turn = UNDISTURBED;
        while counts.kills < n_kills {
            self.prepare(place, turn);
            let new = &ends[self.line(turn)];
            let old = State::of(&path);
            let in_a_row = random.u64(1..=KILLS_IN_A_ROW);
            for _ in 0..in_a_row.min(n_kills - counts.kills) {
                let wait = time.mul_f64(random.f64() * 1.05);
                let number = counts.kills;
                let what = format!(
                    "{}: seed={seed}, kill {number} after {wait:?} of {time:?}",
                    self.name
                );
                kill(place, self.line(turn), wait);
                counts.kills += 1;
                let found = State::of(&path);
                self.check(&found, &old, new, &what);
                let found = found.keys;
                let count = match &found {
                    found if *found == new.keys => &mut counts.new,
                    found if found.is_empty() => &mut counts.absent,
                    found if *found == old.keys => &mut counts.old,
                    _ => &mut counts.mixed,
                };
                *count += 1;
            }
            let was_complete = keys(&path) == new.keys;
            let again = place.run(self.line(turn));
            counts.resumed += u64::from(again.stderr.contains("continuing"));
            // A copy that was complete when it was killed is in its own way.
            // And what was removed is not there, and of what was rolled back nothing is kept.
            let is_over = was_complete && [3, 5, 7].contains(&again.status);
            let line = self.line(turn);
            assert!(
                again.status == 0 || is_over,
                "{line}: seed={seed}: {}",
                again.stderr
            );
            assert!(
                keys(&path) == new.keys,
                "{line}: seed={seed}: other bytes than undisturbed"
            );
            assert_eq!(debris(place), Vec::<PathBuf>::new(), "{line}: seed={seed}");
            turn += 1;
        }
        let (name, counts) = (self.name, counts);
        eprintln!(
            "kills: | {name} | {} | {} ms | {} | {} | {} | {} | {} |",
            counts.kills,
            time.as_millis(),
            counts.old,
            counts.absent,
            counts.new,
            counts.mixed,
            counts.resumed
        );
    }

    /// Checks what a kill left: no key is torn, no node is half there.
    fn check(&self, found: &State, old: &State, new: &State, what: &str) {
        for (key, bytes) in &found.keys {
            let is_whole = [old, new].iter().any(|state| state.keys.get(key) == Some(bytes));
            assert!(is_whole, "{what}: {} is torn", key.display());
        }
        for (node, hex) in &found.digests {
            let is_whole = [old, new]
                .iter()
                .any(|state| state.digests.get(node) == Some(hex));
            assert!(is_whole, "{what}: {node} is neither old nor new");
        }
        // What is to be there afterwards too is never away.
        for node in old.digests.keys().filter(|node| new.digests.contains_key(*node)) {
            assert!(found.digests.contains_key(node), "{what}: {node} is gone");
        }
        let is_one = found.keys == old.keys || found.keys == new.keys;
        assert!(is_one || !self.is_one_step, "{what}: neither old nor new");
    }

    fn line(&self, turn: u64) -> &str {
        &self.turns[turn as usize % self.turns.len()]
    }

    /// Makes the destination what it is before a turn.
    fn prepare(&self, place: &Place, turn: u64) {
        let path = place.path(self.dest);
        match &self.before {
            Before::LastTurn if turn > 0 => {}
            Before::LastTurn | Before::Nothing => remove(&path),
            Before::Made(lines) => {
                remove(&path);
                for line in *lines {
                    place.done(line);
                }
            }
        }
    }
}

/// Runs the command and kills it after a time.
fn kill(place: &Place, line: &str, wait: Duration) {
    let words: Vec<_> = line.split_whitespace().collect();
    let mut command = place.command(&words);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The files at a path, and what is in them; of an HDF5 file its nodes, as room that a copy freed stays in it.
fn keys(path: &Path) -> Keys {
    if path.extension().is_some_and(|extension| extension == "h5") {
        let nodes = digests(path).into_iter();
        return nodes.map(|(node, hex)| (node.into(), hex.into_bytes())).collect();
    }
    if path.is_file() {
        return Keys::from([(PathBuf::new(), fs::read(path).unwrap())]);
    }
    let mut keys = Keys::new();
    walk(path, &mut |file| {
        // The journal of a migration says how far it is, and so changes more often than once.
        if !is_debris(file) && !file.ends_with(MIGRATION_JOURNAL) {
            let name = file.strip_prefix(path).unwrap().to_owned();
            keys.insert(name, fs::read(file).unwrap());
        }
    });
    keys
}

/// Temporary files anywhere in the place.
fn debris(place: &Place) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&place.path("."), &mut |file| {
        if is_debris(file) {
            found.push(file.to_owned());
        }
    });
    found
}

/// Whether a file or a folder above it has a temporary name.
fn is_debris(file: &Path) -> bool {
    file.to_str().is_some_and(|name| name.contains(".zt-partial"))
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // An empty folder of a temporary name is debris too.
            if is_debris(&path) {
                visit(&path);
            }
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

const MEMBERS: [&str; 4] = ["a", "b", "deep/c", "deep/d"];

/// A place with the NumPy files `0.npy` and `1.npy`, groups `0.zarr` and `1.zarr` of four arrays each, and archives
/// of these.
fn place_with_data() -> Place {
    let place = Place::new();
    let mut random = Rng::with_seed(setting("ZARR_SEED", 1));
    let n_elements = setting("ZARR_ELEMENTS", N_ELEMENTS);
    for name in ["0", "1"] {
        place.write(&format!("{name}.npy"), &random_npy(&mut random, 4 * n_elements));
        for member in MEMBERS {
            let file = format!("{name}-{}.npy", member.replace('/', "-"));
            place.write(&file, &random_npy(&mut random, n_elements));
        }
        place.done(&format!("save {name}.zarr {} --chunks {CHUNKS}", members(name)));
        place.done(&format!("copy-store {name}.zarr {name}.zip"));
    }
    place
}

fn members(name: &str) -> String {
    MEMBERS
        .map(|member| format!("{member}={name}-{}.npy", member.replace('/', "-")))
        .join(" ")
}

/// Two commands, of which each undoes the other one.
fn turns(line: impl Fn(&str) -> String) -> Vec<String> {
    ["0", "1"].map(line).into()
}

#[test]
fn b05_a_killed_save_over_an_array_leaves_the_old_or_the_new_one() {
    let operation = Operation {
        name: "save over an array",
        dest: "dest.zarr",
        turns: turns(|name| format!("save dest.zarr {name}.npy --chunks {CHUNKS}")),
        before: Before::LastTurn,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_save_of_a_group_leaves_nothing_or_all_of_it() {
    let operation = Operation {
        name: "save of a group",
        dest: "dest.zarr",
        turns: turns(|name| format!("save dest.zarr {} --chunks {CHUNKS}", members(name))),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_to_a_new_store_is_continued() {
    let operation = Operation {
        name: "copy-all to a new store",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-all {name}.zarr dest.zarr --chunks 2048")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_beside_other_arrays_is_continued() {
    let operation = Operation {
        name: "copy-all into a store",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-all {name}.zarr dest.zarr")),
        before: Before::Made(&["save dest.zarr z=0-a.npy y=0-b.npy"]),
        is_one_step: false,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_over_a_store_leaves_each_array_old_or_new() {
    let line = |name: &str| format!("copy-all {name}.zarr dest.zarr --if-exists replace --chunks 2048");
    let operation = Operation {
        name: "copy-all over a store",
        dest: "dest.zarr",
        turns: turns(line),
        before: Before::LastTurn,
        is_one_step: false,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_of_keys_to_a_new_directory_is_continued() {
    let operation = Operation {
        name: "copy-store to a new directory",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-store {name}.zarr dest.zarr")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_of_keys_over_a_directory_is_continued() {
    let operation = Operation {
        name: "copy-store into a directory",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-store {name}.zarr dest.zarr --dest-path copies/{name}")),
        before: Before::Made(&["save dest.zarr z=0-a.npy y=0-b.npy"]),
        is_one_step: false,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_of_keys_to_an_archive_leaves_nothing_or_all_of_it() {
    let operation = Operation {
        name: "copy-store to an archive",
        dest: "dest.zip",
        turns: turns(|name| format!("copy-store {name}.zarr dest.zip")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_to_an_archive_leaves_nothing_or_all_of_it() {
    let operation = Operation {
        name: "copy-all to an archive",
        dest: "dest.zip",
        turns: turns(|name| format!("copy-all {name}.zarr dest.zip --chunks 2048 --threads 3")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_into_an_archive_leaves_it_old_or_new() {
    let operation = Operation {
        name: "copy-store into an archive",
        dest: "dest.zip",
        turns: turns(|name| format!("copy-store {name}.zarr dest.zip --dest-path copies/{name} --threads 3")),
        before: Before::Made(&["save dest.zip z=0-a.npy y=0-b.npy"]),
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_save_to_an_archive_leaves_the_old_or_the_new_one() {
    let operation = Operation {
        name: "save over an archive",
        dest: "dest.zip",
        turns: turns(|name| format!("save dest.zip {} --chunks {CHUNKS} --threads 3", members(name))),
        before: Before::LastTurn,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_copy_of_keys_from_an_archive_is_continued() {
    let operation = Operation {
        name: "copy-store from an archive",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-store {name}.zip dest.zarr")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_removal_leaves_all_or_nothing() {
    let operation = Operation {
        name: "rm of a store",
        dest: "dest.zarr",
        turns: vec!["rm dest.zarr".to_owned()],
        before: Before::Made(&["copy-store 0.zarr dest.zarr"]),
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_consolidation_leaves_the_old_or_the_new_document() {
    let operation = Operation {
        name: "consolidate",
        dest: "dest.zarr",
        turns: vec!["consolidate dest.zarr".to_owned()],
        before: Before::Made(&["copy-store 0.zarr dest.zarr"]),
        is_one_step: true,
    };
    operation.kill_often(&place_with_data());
}

/// The same data as `0.zarr` and `1.zarr` in HDF5 files.
#[cfg(feature = "hdf5")]
fn place_with_files() -> Place {
    let place = place_with_data();
    for name in ["0", "1"] {
        place.done(&format!("copy-all {name}.zarr {name}.h5"));
    }
    place
}

#[cfg(feature = "hdf5")]
#[test]
fn a_killed_copy_of_a_file_to_v2_is_continued() {
    let operation = Operation {
        name: "copy-all of HDF5 to V2",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-all {name}.h5 dest.zarr --chunks 2048")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_files());
}

#[cfg(feature = "hdf5")]
#[test]
fn a_killed_copy_of_a_file_to_v3_is_continued() {
    let operation = Operation {
        name: "copy-all of HDF5 to V3",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-all {name}.h5 dest.zarr --zarr-format 3")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_files());
}

#[cfg(feature = "hdf5")]
#[test]
fn a_killed_copy_of_a_file_into_a_store_is_continued() {
    let operation = Operation {
        name: "copy-all of HDF5 into a store",
        dest: "dest.zarr",
        turns: turns(|name| format!("copy-all {name}.h5 dest.zarr")),
        before: Before::Made(&["save dest.zarr z=0-a.npy y=0-b.npy"]),
        is_one_step: false,
    };
    operation.kill_often(&place_with_files());
}

#[cfg(feature = "hdf5")]
#[test]
fn a_killed_copy_to_a_file_leaves_nothing_or_all_of_it() {
    let operation = Operation {
        name: "copy-all of Zarr to HDF5",
        dest: "dest.h5",
        turns: turns(|name| format!("copy-all {name}.zarr dest.h5")),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_files());
}

#[cfg(feature = "hdf5")]
#[test]
fn a_killed_copy_of_a_file_over_a_file_leaves_the_old_or_the_new_one() {
    let operation = Operation {
        name: "copy-all of HDF5 over HDF5",
        dest: "dest.h5",
        turns: turns(|name| format!("copy-all {name}.h5 dest.h5 --if-exists replace")),
        before: Before::Made(&["copy-all 0.h5 dest.h5"]),
        is_one_step: true,
    };
    operation.kill_often(&place_with_files());
}
