//! Any array, any codecs, any selection, any sequence of changes: what is read is what a plain list says.
//!
//! `ZARR_PROPERTY_CASES` says how many cases, `ZARR_PROPERTY_SEED` which is the first; `cargo xtask properties` sets
//! them. A failure names the seed of its case, which repeats it alone with one case.

mod arrays;
mod model;
mod random;
mod selections;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use zarr_core::{
    Array, ArrayData, Selection,
    codecs::{ChunkBuffer, CodecRegistry, DataType},
};

use self::{
    arrays::{Made, Uses},
    model::Model,
    random::Random,
    selections::Chosen,
};

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_is_written_is_read() {
    let cases = setting("ZARR_PROPERTY_CASES").unwrap_or(400);
    let first = setting("ZARR_PROPERTY_SEED").unwrap_or(0);
    let mut uses = Uses::new();
    let mut n_steps = 0;
    for seed in first..first + cases {
        let mut random = Random::new(seed);
        let made = arrays::make(&mut random, &mut uses);
        let about = made.about.clone();
        match catch_unwind(AssertUnwindSafe(|| check(random, made))) {
            Ok(steps) => n_steps += steps,
            Err(panic) => {
                report(&format!("case with seed {seed} failed: {about}"));
                resume_unwind(panic);
            }
        }
    }
    report(&format!(
        "{cases} cases from seed {first}, {n_steps} steps; codecs: {uses:?}"
    ));
    // A codec that is new and lossless is met without anybody adding it here.
    if cases >= 400 {
        for what in arrays::UNEVEN {
            assert!(uses.contains_key(what), "no array has {what}");
        }
        for (id, _) in arrays::lossless(&CodecRegistry::default()) {
            let is_built = CodecRegistry::default()
                .find_v2(id)
                .is_ok_and(|(entry, _)| entry.doc != "not part of this build");
            assert!(
                !is_built || uses.contains_key(id),
                "no array was made with `{id}`"
            );
        }
    }
}

#[expect(clippy::print_stderr, reason = "a seed is of use only where it is seen")]
fn report(line: &str) {
    eprintln!("{line}");
}

/// Does a few things to an array and to the model, and gives their number.
fn check(mut random: Random, made: Made) -> usize {
    let Made { mut array, fill, .. } = made;
    let mut model = Model::new(array.shape(), fill);
    let n_steps = random.within(2, 9) as usize;
    for _ in 0..n_steps {
        match random.below(10) {
            0 => resize(&mut random, &mut array, &mut model),
            1 => append(&mut random, &mut array, &mut model),
            2 => reopen(&mut array),
            3..6 => read(&mut random, &array, &model),
            _ => write(&mut random, &array, &mut model),
        }
    }
    reopen(&mut array);
    let size = array.data_type().size().unwrap();
    let all = array.read_data(&Selection::all()).unwrap();
    assert_eq!(model::elements(&all, size), model.elements, "the whole array");
    n_steps
}

fn reopen(array: &mut Array) {
    let opened = Array::open(array.store().clone(), array.path(), array.options()).unwrap();
    let (stored, had) = (opened.metadata(), array.metadata());
    assert_eq!(
        (&stored.shape, stored.fill_value_or_zero()),
        (&had.shape, had.fill_value_or_zero())
    );
    // Records say the byte orders of their fields in more than one way.
    if !matches!(had.data_type, DataType::Struct(_)) {
        assert_eq!(&stored.data_type, &had.data_type);
        assert_eq!(stored.codecs.list(), had.codecs.list());
    }
    *array = opened;
}

fn read(random: &mut Random, array: &Array, model: &Model) {
    let chosen = selections::choose(random, array.shape(), &array.metadata().chunk_grid);
    let Chosen {
        selection,
        shape,
        places,
    } = chosen;
    let parts = parts(random, array.data_type(), usize::MAX);
    let selection = selection.fields(parts.names.iter().cloned());
    let data = array.read_data(&selection).unwrap();
    assert_eq!(data.shape, [shape, parts.shape.clone()].concat(), "{selection}");
    assert_eq!(
        array.selected(&selection).unwrap(),
        (data.shape.clone(), data.data_type.clone()),
        "{selection}"
    );
    let expected: Vec<_> = places
        .iter()
        .map(|place| parts.of(&model.elements[*place]))
        .collect();
    assert_eq!(
        model::elements(&data, parts.size),
        expected,
        "{selection} of {:?}",
        array.shape()
    );
    // Whatever was in the memory before is gone.
    let mut used = vec![0xA5; data.buffer.elements.len()];
    let heap = array.read_into(&selection, &mut used).unwrap();
    let buffer = ChunkBuffer { elements: used, heap };
    let again = model::elements(&ArrayData { buffer, ..data }, parts.size);
    assert_eq!(again, expected, "{selection} into used memory");
}

fn write(random: &mut Random, array: &Array, model: &mut Model) {
    let chosen = selections::choose(random, array.shape(), &array.metadata().chunk_grid);
    let Chosen {
        selection,
        shape,
        places,
    } = chosen;
    let parts = parts(random, array.data_type(), 1);
    let selection = selection.fields(parts.names.iter().cloned());
    // One value everywhere now and then, and the fill value, so that chunks become empty.
    let one = random.one_in(4).then(|| {
        if random.one_in(2) {
            array.metadata().fill_value_or_zero().as_bytes().to_vec()
        } else {
            arrays::value(random, array.data_type())
        }
    });
    let values: Vec<_> = places
        .iter()
        .map(|_| {
            one.clone()
                .unwrap_or_else(|| arrays::value(random, array.data_type()))
        })
        .map(|value| parts.of(&value))
        .collect();
    let (_, data_type) = array.selected(&selection).unwrap();
    match &one {
        Some(value) if random.one_in(2) => {
            let single = model::data(&[], &data_type, &[parts.of(value)]);
            array.write_elements(&selection, single.buffer.as_ref()).unwrap();
        }
        _ => {
            let shape = [shape, parts.shape.clone()].concat();
            array
                .write_data(&selection, &model::data(&shape, &data_type, &values))
                .unwrap();
        }
    }
    for (place, value) in places.iter().zip(&values) {
        parts.put(value, &mut model.elements[*place]);
    }
}

fn resize(random: &mut Random, array: &mut Array, model: &mut Model) {
    let shape: Vec<_> = array.shape().to_vec();
    let shape: Vec<_> = shape.iter().map(|length| random.below(length + 4)).collect();
    array.resize(&shape).unwrap();
    let all = array.read_data(&Selection::all()).unwrap();
    let seen = model::elements(&all, array.data_type().size().unwrap());
    model.resize(&shape, &array.metadata().chunk_grid, &seen);
}

fn append(random: &mut Random, array: &mut Array, model: &mut Model) {
    let mut shape = array.shape().to_vec();
    if shape.is_empty() {
        return;
    }
    let axis = random.below(shape.len() as u64) as usize;
    let old = shape[axis];
    let mut added = shape.clone();
    added[axis] = random.below(4);
    shape[axis] += added[axis];
    let count = added.iter().product();
    let values = random.many(count, |random| arrays::value(random, array.data_type()));
    let data: ArrayData = model::data(&added, array.data_type(), &values);
    assert_eq!(array.append(&data, axis).unwrap(), shape);
    // Made of the old elements and the values along the axis.
    let inner: u64 = shape[axis + 1..].iter().product();
    let (old_row, new_row) = ((old * inner) as usize, (added[axis] * inner) as usize);
    let outer: u64 = shape[..axis].iter().product();
    let mut elements = Vec::new();
    for row in 0..outer as usize {
        elements.extend_from_slice(&model.elements[row * old_row..(row + 1) * old_row]);
        elements.extend_from_slice(&values[row * new_row..(row + 1) * new_row]);
    }
    model.grow(&shape, elements);
}

/// Which bytes of an element are meant.
struct Parts {
    names: Vec<String>,
    /// What a field that is an array adds to the shape.
    shape: Vec<u64>,
    ranges: Vec<std::ops::Range<usize>>,
    size: usize,
}

impl Parts {
    fn of(&self, element: &[u8]) -> Vec<u8> {
        if self.names.is_empty() {
            return element.to_vec();
        }
        self.ranges
            .iter()
            .flat_map(|range| element[range.clone()].to_vec())
            .collect()
    }

    fn put(&self, value: &[u8], element: &mut Vec<u8>) {
        match &self.ranges[..] {
            [range] if !self.names.is_empty() => element[range.clone()].copy_from_slice(value),
            _ => value.clone_into(element),
        }
    }
}

/// Whole elements, or at most so many fields of records.
fn parts(random: &mut Random, data_type: &DataType, most: usize) -> Parts {
    let mut parts = Parts {
        names: Vec::new(),
        shape: Vec::new(),
        ranges: Vec::new(),
        size: data_type.size().unwrap(),
    };
    let DataType::Struct(record) = data_type else {
        return parts;
    };
    if random.one_in(2) {
        return parts;
    }
    let n_fields = record.fields.len();
    let first = random.below(n_fields as u64) as usize;
    let count = (random.within(1, n_fields as u64) as usize).min(most);
    // From any field on, around to the first ones.
    for index in (first..first + count).map(|index| index % n_fields) {
        let before: usize = record.fields[..index]
            .iter()
            .map(|field| field.size().unwrap())
            .sum();
        let field = &record.fields[index];
        parts.names.push(field.name.clone());
        parts.ranges.push(before..before + field.size().unwrap());
        parts.shape = field.shape.iter().map(|length| u64::from(*length)).collect();
    }
    parts.size = parts.ranges.iter().map(ExactSizeIterator::len).sum();
    if count > 1 {
        parts.shape.clear();
    }
    parts
}
