//! Chunks that went through filters of others: `hdf5/filters.h5`, which hdf5plugin wrote.

use zarr_convenience::Source;
use zarr_convenience::core::codecs::DataType;
use zarr_convenience::core::{NodePath, Selection};

use super::bridge::{array, convert, source};
use super::wave;

#[test]
fn registered_filters_are_undone() {
    let source = source("hdf5/filters.h5");
    let (dest, report) = convert(&source);
    let numbers = wave(26 * 37, 7, 251);
    let mut n_arrays = 0;
    for node in source.members(&NodePath::root()).unwrap() {
        let name = node.path().name().to_owned();
        if name.starts_with("blosc2") {
            continue;
        }
        let copy = array(&dest, &name);
        let all = &Selection::all();
        match copy.data_type() {
            DataType::Int16 => {
                let expected: Vec<_> = numbers.iter().map(|n| *n as i16).collect();
                assert_eq!(copy.read_vec::<i16>(all).unwrap(), expected, "{name}");
            }
            DataType::Float32 => {
                let expected: Vec<_> = numbers.iter().map(|n| *n as f32 / 4.0).collect();
                assert_eq!(copy.read_vec::<f32>(all).unwrap(), expected, "{name}");
            }
            _ => {
                let expected: Vec<_> = numbers.iter().take(40).map(u64::to_string).collect();
                assert_eq!(copy.read_vec::<String>(all).unwrap(), expected, "{name}");
            }
        }
        n_arrays += 1;
    }
    assert_eq!(n_arrays, 16 * 2 + 4);
    let lost: Vec<_> = report.lost.iter().map(|lost| lost.what.as_str()).collect();
    assert_eq!(lost, ["/blosc2_f", "/blosc2_i"]);
}
