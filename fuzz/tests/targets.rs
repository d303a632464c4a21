//! Each target on its seeds, and on changes of them that are the same at every run.

use fastrand::Rng;
use zarr_fuzz::{TARGETS, changed};

/// How many changes of the seeds each target gets.
const CHANGES: usize = 10_000;

fn check(name: &str) {
    let target = zarr_fuzz::target(name).expect("the name is in the table");
    let seeds = (target.seeds)();
    for seed in &seeds {
        (target.run)(seed);
    }
    let mut random = Rng::with_seed(0x5EED);
    for _ in 0..CHANGES {
        let data = changed(&seeds, &mut random);
        let run = std::panic::catch_unwind(|| (target.run)(&data));
        assert!(run.is_ok(), "{name}: {:?}", data.escape_ascii().to_string());
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn all_targets_are_tested() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}
targets! { v2_array v3_array v2_hierarchy v3_hierarchy n5 references codec zip data_type key selection pattern }
