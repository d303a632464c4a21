//! A migration and its way back, killed; and a way back after a migration that was killed.

use std::time::{Duration, Instant};

use fastrand::Rng;
use zarr_convenience::MIGRATION_JOURNAL;

use super::{Before, Operation, State, UNDISTURBED, debris, kill, place_with_data, setting};

#[test]
fn a_killed_migration_is_continued() {
    let operation = Operation {
        name: "migrate to V3",
        dest: "dest.zarr",
        turns: vec!["migrate dest.zarr".to_owned()],
        before: Before::Made(&["copy-store 0.zarr dest.zarr"]),
        is_one_step: false,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_migration_to_v2_is_continued() {
    let operation = Operation {
        name: "migrate to V2",
        dest: "dest.zarr",
        turns: vec!["migrate dest.zarr --to 2".to_owned()],
        before: Before::Made(&[
            "copy-store 0.zarr dest.zarr",
            "migrate dest.zarr",
            "migrate dest.zarr --finish",
        ]),
        is_one_step: false,
    };
    operation.kill_often(&place_with_data());
}

#[test]
fn a_killed_way_back_is_continued() {
    let operation = Operation {
        name: "migrate --rollback",
        dest: "dest.zarr",
        turns: vec!["migrate dest.zarr --rollback".to_owned()],
        before: Before::Made(&["copy-store 0.zarr dest.zarr", "migrate dest.zarr"]),
        is_one_step: false,
    };
    operation.kill_often(&place_with_data());
}

/// Kills a migration, then the way back, and then goes back: the bytes are the old ones.
#[test]
fn a_killed_migration_is_rolled_back() {
    const ROLLBACK: &str = "migrate dest.zarr --rollback";
    let place = place_with_data();
    let operation = Operation {
        name: "migrate, then --rollback",
        dest: "dest.zarr",
        turns: vec!["migrate dest.zarr".to_owned()],
        before: Before::Made(&["copy-store 0.zarr dest.zarr"]),
        is_one_step: false,
    };
    let path = place.path(operation.dest);
    let (seed, n_kills) = (setting("ZARR_SEED", 1), setting("ZARR_KILLS", 8));
    let mut random = Rng::with_seed(seed);
    let mut time = Duration::MAX;
    let mut ends = None;
    for turn in 0..UNDISTURBED {
        operation.prepare(&place, turn);
        let old = State::of(&path);
        let start = Instant::now();
        place.done(operation.line(turn));
        time = time.min(start.elapsed());
        ends = Some((old, State::of(&path)));
    }
    let (old, new) = &ends.unwrap();
    let (mut kills, mut was_old, mut was_new, mut was_mixed) = (0, 0, 0, 0);
    while kills < n_kills {
        operation.prepare(&place, kills);
        for line in [operation.line(0), ROLLBACK] {
            let what = format!("{line}: seed={seed}, kill {kills}");
            kill(&place, line, time.mul_f64(random.f64() * 1.05));
            kills += 1;
            let found = State::of(&path);
            operation.check(&found, old, new, &what);
            let count = match &found {
                found if *found == *old => &mut was_old,
                found if *found == *new => &mut was_new,
                _ => &mut was_mixed,
            };
            *count += 1;
        }
        // Without a journal nothing was begun, or all of it is undone.
        if path.join(MIGRATION_JOURNAL).exists() {
            place.done(ROLLBACK);
        }
        assert_eq!(place.run(ROLLBACK).status, 5, "seed={seed}");
        assert!(State::of(&path) == *old, "seed={seed}: other bytes than before");
        assert_eq!(debris(&place), Vec::<std::path::PathBuf>::new(), "seed={seed}");
    }
    eprintln!(
        "kills: | {} | {kills} | {} ms | {was_old} | 0 | {was_new} | {was_mixed} | 0 |",
        operation.name,
        time.as_millis()
    );
}
