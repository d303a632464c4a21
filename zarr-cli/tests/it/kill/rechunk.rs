//! Two passes into other chunks, killed in either: they are continued, and nothing of what was between is left.

use fastrand::Rng;

use super::{Before, N_ELEMENTS, Operation, setting};
use crate::place::{Place, npy};

/// Arrays in columns at the roots of `0.zarr` and `1.zarr`, and in a group `g.zarr`.
fn place_with_columns() -> Place {
    let place = Place::new();
    let mut random = Rng::with_seed(setting("ZARR_SEED", 1));
    let n_rows = setting("ZARR_ELEMENTS", N_ELEMENTS) / 512;
    for name in ["0", "1"] {
        let values: Vec<_> = (0..512 * n_rows).map(|_| random.i32(..)).collect();
        place.write(&format!("{name}.npy"), &npy(&[n_rows, 512], &values));
        place.done(&format!(
            "save {name}.zarr {name}.npy --chunks {n_rows},8 --compressor none"
        ));
        place.done(&format!("copy {name}.zarr g.zarr --name {name}"));
    }
    let plan = place.done("rechunk 0.zarr dest.zarr --chunks 4,512 --memory 256K --dry-run");
    assert!(plan.contains("pass 2 of 2"), "{plan}");
    place
}

fn turns(line: &str) -> Vec<String> {
    ["0", "1"]
        .map(|name| format!("rechunk {} --memory 256K", line.replace('@', name)))
        .into()
}

#[test]
fn a_killed_rechunk_to_a_new_array_is_continued() {
    let operation = Operation {
        name: "rechunk to a new store",
        dest: "dest.zarr",
        turns: turns("@.zarr dest.zarr --chunks 4,512"),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_columns());
}

#[test]
fn a_killed_rechunk_over_an_array_is_continued() {
    let operation = Operation {
        name: "rechunk over an array",
        dest: "dest.zarr",
        turns: turns("@.zarr dest.zarr --chunks 4,512 --if-exists replace"),
        before: Before::LastTurn,
        is_one_step: true,
    };
    operation.kill_often(&place_with_columns());
}

#[test]
fn a_killed_rechunk_into_a_group_is_continued() {
    let operation = Operation {
        name: "rechunk into a group",
        dest: "dest.zarr",
        turns: turns("g.zarr/@ dest.zarr --chunks 4,512"),
        before: Before::Made(&["save dest.zarr z=0.npy --chunks 64,64"]),
        is_one_step: false,
    };
    operation.kill_often(&place_with_columns());
}

#[test]
fn a_killed_rechunk_to_an_archive_leaves_nothing_or_all_of_it() {
    let operation = Operation {
        name: "rechunk to an archive",
        dest: "dest.zip",
        turns: turns("@.zarr dest.zip --chunks 4,512"),
        before: Before::Nothing,
        is_one_step: true,
    };
    operation.kill_often(&place_with_columns());
}
