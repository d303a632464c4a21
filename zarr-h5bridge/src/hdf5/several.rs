//! Virtual datasets, whose values are those of other datasets, and datasets whose values are in files without a format.
//!
//! The library would look for other files by itself, in the working directory and where the environment says. Here it
//! is told of none: mappings are taken apart, each file is found by [`Allowed`], opened as any other one, and the part of
//! its dataset read that belongs to what is asked for.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::CString;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::attribute::Node;
use super::file::open_bytes;
use super::growing::{Blocks, Unlimited, named};
use super::libhdf5::{self, Assembly, Called, Fill, Handle, Piece};
use super::outside::Place;
use super::{Dataset, DatasetInfo, Dataspace, Error, FillValue, Layout, Object, Result};

/// How many datasets deep mappings may lead.
const DEPTH_MAX: usize = 8;
/// The most parts that values are put together of in one go.
const PIECES_MAX: usize = 1 << 20;
/// How many source datasets are kept open.
const OPEN_MAX: usize = 16;
/// The library decodes whole chunks, whatever a file says of their size.
const CHUNK_SIZE_MAX: u64 = (1 << 31) - 1;

/// Where the values of a dataset come from that are not its own.
#[derive(Debug)]
pub(super) enum Sources {
    /// Parts of other datasets.
    Datasets(Parts),
    /// Parts of files without a format, one after the other.
    Raw(Vec<RawPart>),
}

#[derive(Debug)]
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Those that were used last, by the numbers of their parts.
    open: Mutex<Vec<(usize, Dataset)>>,
}

/// The elements `to` of a virtual dataset, which are the elements `from` of another one.
#[derive(Debug)]
struct Part {
    place: Place,
    name: String,
    dataset: Vec<u8>,
    to: Handle,
    from: Handle,
    low: Vec<u64>,
    high: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct RawPart {
    place: Place,
    name: String,
    offset: u64,
    /// The first of its bytes among all, and how many there are.
    start: u64,
    size: u64,
}

/// Looks at a source that was opened.
type Look<'a> = dyn FnMut(&Part, Called<Option<Dataset>>) -> Called<Option<Dataset>> + 'a;

thread_local! {
    /// The virtual datasets whose sources are being opened or read, by file and address.
    static PATH: RefCell<Vec<([u64; 7], u64)>> = const { RefCell::new(Vec::new()) };
}

/// Does something with the sources of a virtual dataset, unless it is one of its own sources.
fn entered<T>(node: &Node, act: impl FnOnce() -> Called<T>) -> Called<T> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            PATH.with_borrow_mut(Vec::pop);
        }
    }
    let this = (node.file().state(), libhdf5::address(node.handle())?);
    PATH.with_borrow_mut(|path| {
        if path.contains(&this) {
            return Err("it is a source of itself".to_owned());
        }
        if path.len() >= DEPTH_MAX {
            return Err(format!("its sources have sources, more than {DEPTH_MAX} deep"));
        }
        path.push(this);
        Ok(())
    })?;
    let _leave = Leave;
    act()
}

impl Sources {
    /// Finds the sources of a dataset that has such; gives its shape too where they tell it. Else why they are not read.
    pub(super) fn find(
        node: &Node,
        properties: &Handle,
        info: &DatasetInfo,
    ) -> Called<(Self, Option<Vec<u64>>)> {
        if info.layout == Layout::External {
            return Self::raw(node, properties, info).map(|raw| (raw, None));
        }
        if refers(&info.datatype) {
            return Err("its values refer to objects of other files".to_owned());
        }
        entered(node, || Self::datasets(node, properties, info))
    }

    fn raw(node: &Node, properties: &Handle, info: &DatasetInfo) -> Called<Self> {
        if info.datatype.size().is_none() || info.datatype.points() {
            return Err("its values are pointers".to_owned());
        }
        let (mut parts, mut start) = (Vec::new(), 0_u64);
        for segment in libhdf5::segments(properties)? {
            let place = node.file().outside(&segment.file)?;
            let name = String::from_utf8_lossy(&segment.file).into_owned();
            if place == Place::Missing {
                return Err(format!("its source `{name}` is not there"));
            }
            let offset = u64::try_from(segment.offset);
            let size = segment.size_bytes.unwrap_or(u64::MAX);
            parts.push(RawPart {
                place,
                name,
                offset: offset.map_err(|_| "a part of a file begins before it")?,
                start,
                size,
            });
            start = start.saturating_add(size);
        }
        Ok(Self::Raw(parts))
    }

    fn datasets(node: &Node, properties: &Handle, info: &DatasetInfo) -> Called<(Self, Option<Vec<u64>>)> {
        let mut shape = info.space.shape().unwrap_or_default().to_vec();
        let stored = shape.clone();
        let mut mappings = Vec::new();
        for mapping in libhdf5::mappings(properties)? {
            let unlimited = Unlimited::of(&mapping)?;
            mappings.push((mapping, unlimited));
        }
        // What grows is as long as its sources; the rest is at least as long as what is mapped.
        let mut lengths: Vec<Option<u64>> = vec![None; shape.len()];
        let mut grown = Vec::new();
        for (mapping, unlimited) in &mappings {
            let found = match unlimited {
                Some(unlimited) => unlimited.blocks(node, mapping)?,
                None => Blocks::default(),
            };
            if let Some(unlimited) = unlimited {
                let length = &mut lengths[unlimited.dimension];
                *length = Some(length.unwrap_or(0).max(found.end));
            }
            grown.push(found);
        }
        for (mapping, _) in mappings.iter().filter(|(_, unlimited)| unlimited.is_none()) {
            let (_, high) = libhdf5::bounds(&mapping.to)?;
            for (length, high) in lengths.iter_mut().zip(high) {
                *length = length.map(|length| length.max(high.saturating_add(1)));
            }
        }
        for (length, found) in shape.iter_mut().zip(&lengths) {
            *length = found.unwrap_or(*length);
        }
        let extent = libhdf5::simple_space(&shape)?;
        let mut parts = Vec::new();
        for ((mapping, unlimited), found) in mappings.into_iter().zip(grown) {
            let Some(unlimited) = unlimited else {
                let place = node.file().outside(&named(&mapping.file, None))?;
                let to = libhdf5::within_extent(&mapping.to, &extent)?;
                parts.extend(Part::new(
                    place,
                    (&mapping.file, &mapping.dataset),
                    None,
                    to,
                    mapping.from,
                )?);
                continue;
            };
            for block in found.blocks {
                let to = libhdf5::select_slabs(&shape, &block.to)?;
                let from = match block.from {
                    Some((shape, slabs)) => libhdf5::select_slabs(&shape, &slabs)?,
                    None => libhdf5::within_extent(&mapping.from, &mapping.from)?,
                };
                let number = unlimited.has_numbers.then_some(block.number);
                let names = (&mapping.file[..], &mapping.dataset[..]);
                parts.extend(Part::new(block.place, names, number, to, from)?);
            }
        }
        // Those of other files are opened when they are needed.
        for part in parts.iter().filter(|part| part.place == Place::Here) {
            if let Some(source) = open(node, &part.place, &part.dataset)? {
                source.check_readable()?;
            }
        }
        let parts = Parts {
            parts,
            open: Mutex::default(),
        };
        Ok((Self::Datasets(parts), (shape != stored).then_some(shape)))
    }

    /// The names of the files, each once.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = match self {
            Self::Datasets(parts) => parts.parts.iter().map(Part::shown).collect(),
            Self::Raw(parts) => parts.iter().map(|part| &*part.name).collect(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether all values are in the file itself.
    pub(super) fn are_here(&self) -> bool {
        match self {
            Self::Datasets(parts) => parts.parts.iter().all(|part| part.place == Place::Here),
            Self::Raw(parts) => parts.iter().all(|part| part.place == Place::Here),
        }
    }
}

/// Whether values have references in them.
fn refers(datatype: &super::Datatype) -> bool {
    use super::Datatype::{Array, Compound, Reference, VlenSequence};
    match datatype {
        Reference { .. } => true,
        VlenSequence { element } | Array { element, .. } => refers(element),
        Compound { fields, .. } => fields.iter().any(|field| refers(&field.datatype)),
        _ => false,
    }
}

/// Opens a source; `None` if it is not there.
pub(super) fn open(node: &Node, place: &Place, dataset: &[u8]) -> Called<Option<Dataset>> {
    let file = match place {
        Place::Missing => return Ok(None),
        Place::Here => node.file().clone(),
        Place::File(path) => node.file().beside(path).map_err(|error| told(&error))?,
    };
    let shown = String::from_utf8_lossy(dataset);
    let shown = format!("/{}", shown.trim_matches('/'));
    match file.open_from(file.handle(), dataset, shown.clone()) {
        Ok(Object::Dataset(dataset)) => Ok(Some(dataset)),
        Ok(_) => Err(format!(
            "its source `{shown}` in `{}` is no dataset",
            file.path().display()
        )),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(told(&error)),
    }
}

/// An error of a source, with its cause, in the middle of a sentence.
fn told(error: &Error) -> String {
    match error {
        Error::Io { source, .. } => format!("its source: {error}: {source}"),
        _ => format!("its source: {error}"),
    }
}

impl Part {
    /// `None` if it has no elements.
    fn new(
        place: Place,
        (file, dataset): (&[u8], &[u8]),
        number: Option<u64>,
        to: Handle,
        from: Handle,
    ) -> Called<Option<Self>> {
        if libhdf5::n_points(&to)? == 0 {
            return Ok(None);
        }
        let (low, high) = libhdf5::bounds(&to)?;
        Ok(Some(Self {
            place,
            name: String::from_utf8_lossy(&named(file, number)).into_owned(),
            dataset: named(dataset, number),
            to,
            from,
            low,
            high,
        }))
    }

    fn shown(&self) -> &str {
        if self.place == Place::Here {
            "."
        } else {
            &self.name
        }
    }

    /// Whether it may have elements of a box.
    fn meets(&self, (low, high): &(Vec<u64>, Vec<u64>)) -> bool {
        let own = self.low.iter().zip(&self.high);
        let mut both = own.zip(low.iter().zip(high));
        both.all(|((own_low, own_high), (low, high))| own_low <= high && low <= own_high)
    }
}

impl Parts {
    /// Values of a box of a virtual dataset, to be read in one go.
    pub(super) fn assembly(
        &self,
        node: &Node,
        info: &DatasetInfo,
        offset: &[u64],
        count: &[u64],
    ) -> Called<Assembly> {
        let shape = info.space.shape().unwrap_or_default();
        let n_values = count
            .iter()
            .try_fold(1_usize, |n, length| n.checked_mul(usize::try_from(*length).ok()?));
        let n_values = n_values.ok_or("the size is beyond all memory")?;
        let fill = match (&info.fill_value, info.datatype.size()) {
            (FillValue::User(bytes), Some(_)) => Fill::Bytes(bytes.clone()),
            (FillValue::User(text), None) if matches!(info.datatype, super::Datatype::VlenString { .. }) => {
                Fill::Text(CString::new(text.clone()).map_err(|error| error.to_string())?)
            }
            _ => Fill::Zero,
        };
        let mut pieces = Vec::new();
        if n_values > 0 {
            let request = libhdf5::simple_space(shape)?;
            libhdf5::select(&request, offset, count)?;
            self.collect(node, &request, &libhdf5::whole_row(n_values)?, &mut pieces)?;
        }
        Assembly::new(n_values, fill, pieces)
    }

    /// Adds what is to be read for a selection, whose elements are those of `memory`.
    fn collect(&self, node: &Node, request: &Handle, memory: &Handle, pieces: &mut Vec<Piece>) -> Called<()> {
        entered(node, || {
            let wanted = libhdf5::bounds(request)?;
            for (number, part) in self
                .parts
                .iter()
                .enumerate()
                .filter(|(_, part)| part.meets(&wanted))
            {
                let within = libhdf5::intersection(request, memory, &part.to)?;
                if libhdf5::n_points(&within)? == 0 {
                    continue;
                }
                // What is not there is the fill value.
                if let Some(source) = self.source(number, node)? {
                    source.add(part, request, within, pieces)?;
                }
                if pieces.len() > PIECES_MAX {
                    return Err(format!("it is put together of more than {PIECES_MAX} parts"));
                }
            }
            Ok(())
        })
    }

    /// The dataset of a part, which is kept open for a while; `None` if it is not there.
    fn source(&self, number: usize, node: &Node) -> Called<Option<Dataset>> {
        let recent = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent()
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, found)| found.clone());
        if known.is_some() {
            return Ok(known);
        }
        let part = &self.parts[number];
        let found = open(node, &part.place, &part.dataset)?;
        if let Some(found) = &found {
            let mut recent = recent();
            if recent.len() >= OPEN_MAX {
                recent.remove(0);
            }
            recent.push((number, found.clone()));
        }
        Ok(found)
    }

    /// What is not there, by the names of files and datasets, so that its elements are the fill value.
    ///
    /// Sources of sources are looked at as well.
    pub(super) fn missing(&self, node: &Node) -> Called<Vec<String>> {
        let mut missing = Vec::new();
        self.each(node, &mut HashSet::new(), &mut |part, found| {
            let found = found?;
            match &found {
                Some(source) => source.check_readable()?,
                None if part.place == Place::Missing => missing.push(format!("`{}`", part.name)),
                None => {
                    let dataset = String::from_utf8_lossy(&part.dataset);
                    missing.push(format!("`{dataset}` in `{}`", part.shown()));
                }
            }
            Ok(found)
        })?;
        missing.dedup();
        Ok(missing)
    }

    /// Fails if a source, or one of its own sources, is not read; those that are damaged fail when they are.
    pub(super) fn check_allowed(&self, node: &Node) -> Called<()> {
        self.each(node, &mut HashSet::new(), &mut |_, found| match found {
            Ok(Some(source)) => source.check_readable().map(|()| Some(source)),
            _ => Ok(None),
        })
    }

    /// Opens all sources, and the sources of those that `look` gives back, each dataset's once.
    fn each(&self, node: &Node, seen: &mut HashSet<([u64; 7], u64)>, look: &mut Look<'_>) -> Called<()> {
        entered(node, || {
            for part in &self.parts {
                let Some(source) = look(part, open(node, &part.place, &part.dataset))? else {
                    continue;
                };
                let place = (source.file().state(), libhdf5::address(source.node().handle())?);
                if let Some(Ok(Sources::Datasets(parts))) = source.sources()
                    && seen.insert(place)
                {
                    parts.each(source.node(), seen, look)?;
                }
            }
            Ok(())
        })
    }
}

impl Dataset {
    /// Adds the elements of a part of a virtual dataset that are within a selection of that, as values `memory`.
    fn add(&self, part: &Part, request: &Handle, memory: Handle, pieces: &mut Vec<Piece>) -> Called<()> {
        self.check_readable()?;
        let Dataspace::Simple { shape, .. } = &self.info().space else {
            return Err("a source has no dimensions".to_owned());
        };
        let from = libhdf5::within_extent(&part.from, &libhdf5::simple_space(shape)?)?;
        let file = libhdf5::intersection(&part.to, &from, request)?;
        if let Some(Ok(Sources::Datasets(parts))) = self.sources() {
            return parts.collect(self.node(), &file, &memory, pieces);
        }
        pieces.push(Piece {
            dataset: self.node().shared_handle(),
            file,
            memory,
        });
        Ok(())
    }

    /// Fails if the library cannot read it, or should not.
    fn check_readable(&self) -> Called<()> {
        let what = || {
            format!(
                "its source `{}` in `{}`",
                self.path(),
                self.file().path().display()
            )
        };
        if let Some(filter) = self.info().filters.iter().find(|filter| !filter.is_available()) {
            let (id, name) = (filter.id, &filter.name);
            return Err(format!("{}: its filter {id} `{name}` is not built in", what()));
        }
        match self.sources() {
            Some(Err(reason)) => return Err(format!("{}: {reason}", what())),
            Some(Ok(Sources::Raw(_))) => {
                return Err(format!("{}: its data lie in files without a format", what()));
            }
            _ => {}
        }
        if let Layout::Chunked { chunk_shape } = &self.info().layout {
            let size = self.info().datatype.size().unwrap_or(16).max(1) as u64;
            let size = chunk_shape
                .iter()
                .try_fold(size, |size, length| size.checked_mul(*length));
            if size.is_none_or(|size| size > CHUNK_SIZE_MAX) {
                return Err(format!(
                    "{}: its chunks of {chunk_shape:?} elements are too large",
                    what()
                ));
            }
        }
        Ok(())
    }
}

impl RawPart {
    /// Reads those of the bytes from `first` on that it has; gives how many.
    fn read(&self, node: &Node, first: u64, bytes: &mut [u8]) -> Result<usize> {
        let skipped = first - self.start;
        let len = usize::try_from(self.size - skipped)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let path = match &self.place {
            Place::File(path) => path.clone(),
            Place::Here | Place::Missing => PathBuf::from(node.file().path()),
        };
        let offset = self.offset.checked_add(skipped);
        let read = |offset| -> std::io::Result<()> {
            let mut file = open_bytes(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut bytes[..len])
        };
        let read = offset.map_or(Err(std::io::ErrorKind::UnexpectedEof.into()), read);
        match read {
            Ok(()) => Ok(len),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Error::Damaged {
                file: node.file().path().to_owned(),
                object: node.path().to_owned(),
                reason: format!("its source `{}` ends before its values do", self.name),
            }),
            Err(source) => Err(Error::Io {
                action: "reading",
                file: path,
                source,
            }),
        }
    }
}

/// Reads bytes of a dataset in one piece that lies in files without a format.
pub(super) fn read_raw(parts: &[RawPart], node: &Node, first: u64, bytes: &mut [u8]) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let at = first.saturating_add(done as u64);
        let part = parts
            .iter()
            .find(|part| at >= part.start && at - part.start < part.size);
        let part = part.ok_or_else(|| Error::Damaged {
            file: node.file().path().to_owned(),
            object: node.path().to_owned(),
            reason: "its files have no room for all its values".to_owned(),
        })?;
        done += part.read(node, at, &mut bytes[done..])?;
    }
    Ok(())
}

/// What a dataset keeps of its sources, or why they are not read.
pub(super) type Kept = Arc<Called<Sources>>;
