//! Any array, any layout, any selection: what is written is what is read, and a plain `Vec` is the judge.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Order, Selection, SelectionItem, Workers, ZarrFormat,
    codecs::{ByteOrder, DataType, FillValue},
    metadata::V2Codecs,
    store::MemoryStore,
};

/// An array as a list of elements in C order.
#[derive(Debug, Clone)]
struct Model {
    shape: Vec<u64>,
    elements: Vec<i32>,
}

/// What is selected of one dimension: first element, number, distance.
type Extent = (u64, u64, u64);

impl Model {
    fn new(shape: &[u64], fill: i32) -> Self {
        Self {
            shape: shape.to_vec(),
            elements: vec![fill; shape.iter().product::<u64>() as usize],
        }
    }

    /// The places of the selected elements, in C order.
    fn places(&self, extents: &[Extent]) -> Vec<usize> {
        let mut places = vec![0];
        for (length, (start, count, step)) in self.shape.iter().zip(extents) {
            let along = (0..*count)
                .map(|index| (start + index * step) as usize)
                .collect::<Vec<_>>();
            places = places
                .iter()
                .flat_map(|place| along.iter().map(move |at| place * *length as usize + at))
                .collect();
        }
        places
    }

    fn read(&self, extents: &[Extent]) -> Vec<i32> {
        self.places(extents)
            .into_iter()
            .map(|place| self.elements[place])
            .collect()
    }

    fn write(&mut self, extents: &[Extent], values: &[i32]) {
        for (place, value) in self.places(extents).into_iter().zip(values) {
            self.elements[place] = *value;
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    shape: Vec<u64>,
    chunk_shape: Vec<u64>,
    order: Order,
    byte_order: ByteOrder,
    format: ZarrFormat,
    separator: char,
    fill: i32,
    compressed: bool,
    write_empty_chunks: bool,
    operations: Vec<(bool, Vec<Extent>)>,
}

fn extents(shape: &[u64]) -> impl Strategy<Value = Vec<Extent>> + use<> {
    let dimension = |length: &u64| {
        let length = *length;
        (0..=length, 1..4_u64).prop_flat_map(move |(start, step)| {
            (0..=(length - start).div_ceil(step)).prop_map(move |count| (start, count, step))
        })
    };
    shape.iter().map(dimension).collect::<Vec<_>>()
}

fn case() -> impl Strategy<Value = Case> {
    let dimensions = prop::collection::vec((0..9_u64, 1..7_u64), 0..4);
    let layout = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (dimensions, layout, prop_oneof![Just(0), Just(-7)]).prop_flat_map(|(dimensions, layout, fill)| {
        let shape: Vec<_> = dimensions.iter().map(|(length, _)| *length).collect();
        let operations = prop::collection::vec((any::<bool>(), extents(&shape)), 1..8);
        operations.prop_map(move |operations| Case {
            shape: shape.clone(),
            chunk_shape: dimensions.iter().map(|(_, chunk)| *chunk).collect(),
            order: if layout.0 { Order::C } else { Order::F },
            byte_order: if layout.1 {
                ByteOrder::Little
            } else {
                ByteOrder::Big
            },
            format: if layout.2 { ZarrFormat::V2 } else { ZarrFormat::V3 },
            separator: if layout.3 { '.' } else { '/' },
            compressed: layout.4,
            write_empty_chunks: layout.5,
            fill,
            operations,
        })
    })
}

fn create(case: &Case) -> Array {
    let options = Options {
        workers: Workers::new(2),
        write_empty_chunks: case.write_empty_chunks,
        ..Options::default()
    };
    let compressor = case.compressed.then(|| json!({"id": "zlib", "level": 1}));
    ArrayBuilder::new(case.shape.clone(), DataType::Int32)
        .chunk_shape(case.chunk_shape.clone())
        .order(case.order)
        .byte_order(case.byte_order)
        .format(case.format)
        .separator(case.separator)
        .fill_value(Some(FillValue::new(case.fill.to_ne_bytes())))
        .v2_codecs(V2Codecs {
            filters: None,
            compressor,
        })
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::new("a/b").unwrap(),
            &options,
        )
        .unwrap()
}

fn selection(extents: &[Extent]) -> Selection {
    Selection::new(extents.iter().map(|(start, count, step)| SelectionItem::Slice {
        start: Some(*start as i64),
        stop: Some((start + count * step) as i64),
        step: *step as i64,
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(case in case()) {
        let array = create(&case);
        let mut model = Model::new(&case.shape, case.fill);
        let mut next = 1;
        for (is_write, extents) in &case.operations {
            let count: u64 = extents.iter().map(|(_, count, _)| *count).product();
            let selection = selection(extents);
            if *is_write {
                // Runs of the fill value now and then, so that chunks become empty.
                let value = |index: u64| if next % 3 == 0 { case.fill } else { next * 1000 + index as i32 };
                let values: Vec<_> = (0..count).map(value).collect();
                next += 1;
                array.write_vec(&selection, &values).unwrap();
                model.write(extents, &values);
            }
            prop_assert_eq!(array.read_vec::<i32>(&selection).unwrap(), model.read(extents));
        }
        prop_assert_eq!(array.read_vec::<i32>(&Selection::all()).unwrap(), model.elements.clone());
        let reopened = Array::open(array.store().clone(), array.path(), array.options()).unwrap();
        prop_assert_eq!(reopened.metadata(), array.metadata());
        prop_assert_eq!(reopened.read_vec::<i32>(&Selection::all()).unwrap(), model.elements);
    }
}
