//! What stands between the brackets of `z[...]`, `z.oindex[...]`, `z.vindex[...]` and `z.blocks[...]`.
//!
//! Which Python object a list, an array or `None` is decides what zarr-python says of it; the library knows lists of
//! positions and masks only. So what no selection can hold is refused here, in the words of zarr-python, and errors
//! of the library get the names that Python has for what was given.

use serde_json::Value;
use zarr_convenience::core::{
    Array, Error as CoreError, IndexArray, Region, Selection, SelectionItem, metadata::json::python_float,
};

use super::outcome::{Failure, Fault, Outcome};

/// Whose brackets they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Indexer {
    Plain,
    Orthogonal,
    Vectorized,
    Blocks,
}

/// One item between brackets.
#[derive(Debug, Clone)]
enum Item {
    Taken(SelectionItem),
    /// A slice, and how Python prints it.
    Slice {
        item: SelectionItem,
        shown: String,
    },
    /// An array of truths of any shape.
    Truths {
        shape: Vec<u64>,
        values: Vec<bool>,
    },
    /// An object of a class that is no index.
    Foreign {
        class: &'static str,
        shown: String,
    },
}

impl Item {
    fn read(value: &Value) -> Outcome<Self> {
        let strange = || Fault::unsupported(format!("selection {value}"));
        let foreign = |class, shown: String| Ok(Self::Foreign { class, shown });
        if let Value::Bool(truth) = value {
            return Ok(Self::Taken(SelectionItem::Index((*truth).into())));
        }
        if let Some(index) = value.as_i64() {
            return Ok(Self::Taken(SelectionItem::Index(index)));
        }
        if value.as_str() == Some("...") {
            return Ok(Self::Taken(SelectionItem::Ellipsis));
        }
        if value.is_null() || value.get("null").is_some() {
            return foreign("NoneType", "None".into());
        }
        if value.is_f64() {
            return foreign("float", value.to_string());
        }
        if let Some(float) = value.get("float") {
            let shown = match float {
                Value::Number(number) => python_float(number.as_f64().unwrap_or(f64::NAN)),
                word => word
                    .as_str()
                    .unwrap_or("nan")
                    .to_lowercase()
                    .replace("infinity", "inf"),
            };
            return foreign("float", shown);
        }
        if let Some(parts) = value.get("slice") {
            return slice(parts).ok_or_else(strange);
        }
        let (data, is_list) = match (value.get("ints"), value.get("bools")) {
            (Some(ints), None) => (ints, value.get("list").is_some()),
            (None, Some(truths)) => (truths, value.get("list").is_some()),
            _ => return Err(strange()),
        };
        let (mut shape, mut leaves) = (Vec::new(), Vec::new());
        flatten(data, 0, &mut shape, &mut leaves);
        if is_list && (leaves.is_empty() || shape.len() != 1) {
            let shown = if leaves.is_empty() {
                "array([], dtype=float64)".into()
            } else {
                data.to_string()
            };
            return foreign("list", shown);
        }
        let truths: Option<Vec<_>> = leaves.iter().map(|leaf| leaf.as_bool()).collect();
        match truths.filter(|truths| !truths.is_empty() || value.get("bools").is_some()) {
            Some(values) if is_list => Ok(Self::Taken(SelectionItem::Mask(values))),
            Some(values) => Ok(Self::Truths { shape, values }),
            None => {
                let index = |leaf: &&Value| leaf.as_i64().or_else(|| leaf.as_bool().map(i64::from));
                let values: Option<Vec<_>> = leaves.iter().map(index).collect();
                let array = IndexArray::new(shape, values.ok_or_else(strange)?)?;
                Ok(Self::Taken(SelectionItem::Indices(array)))
            }
        }
    }

    /// The item as Python prints it among others, lists having become arrays.
    fn shown(&self) -> String {
        match self {
            Self::Foreign { shown, .. } | Self::Slice { shown, .. } => shown.clone(),
            Self::Truths { shape, values } => shown_array(shape, &shown_truths(values)),
            Self::Taken(SelectionItem::Mask(values)) => {
                shown_array(&[values.len() as u64], &shown_truths(values))
            }
            Self::Taken(SelectionItem::Indices(array)) => {
                let texts: Vec<_> = array.values().iter().map(i64::to_string).collect();
                shown_array(array.shape(), &texts)
            }
            Self::Taken(SelectionItem::Index(index)) => index.to_string(),
            Self::Taken(SelectionItem::Ellipsis) => "Ellipsis".into(),
            Self::Taken(SelectionItem::Slice { .. }) => unreachable!("slices are kept with their text"),
        }
    }
}

fn slice(parts: &Value) -> Option<Item> {
    let parts = parts.as_array()?;
    let part = |index: usize| parts.get(index).and_then(Value::as_i64);
    let (start, stop, step) = match parts.len() {
        1 => (None, part(0), None),
        _ => (part(0), part(1), part(2)),
    };
    let text = |part: Option<i64>| part.map_or_else(|| "None".to_owned(), |part| part.to_string());
    let shown = format!("slice({}, {}, {})", text(start), text(stop), text(step));
    let step = step.unwrap_or(1);
    let item = SelectionItem::Slice { start, stop, step };
    Some(Item::Slice { item, shown })
}

fn flatten<'a>(data: &'a Value, depth: usize, shape: &mut Vec<u64>, leaves: &mut Vec<&'a Value>) {
    match data {
        Value::Array(items) => {
            if shape.len() == depth {
                shape.push(items.len() as u64);
            }
            for item in items {
                flatten(item, depth + 1, shape, leaves);
            }
        }
        leaf => leaves.push(leaf),
    }
}

fn shown_truths(values: &[bool]) -> Vec<String> {
    let texts = values.iter().map(|value| if *value { " True" } else { "False" });
    texts.map(str::to_owned).collect()
}

/// An array as `NumPy` prints it, if it is a short one.
fn shown_array(shape: &[u64], texts: &[String]) -> String {
    let width = texts.iter().map(String::len).max().unwrap_or(0);
    let texts: Vec<_> = texts.iter().map(|text| format!("{text:>width$}")).collect();
    if texts.is_empty() {
        return "array([], dtype=int64)".into();
    }
    format!("array({})", shown_level(shape, &texts, "array(".len() + 1))
}

fn shown_level(shape: &[u64], texts: &[String], indent: usize) -> String {
    match shape {
        [] => texts.join(", "),
        [_] => format!("[{}]", texts.join(", ")),
        [length, below @ ..] => {
            let size = (texts.len() / (*length).max(1) as usize).max(1);
            let rows = texts.chunks(size).map(|row| shown_level(below, row, indent + 1));
            let separator = format!(",{}{}", "\n".repeat(below.len()), " ".repeat(indent));
            format!("[{}]", rows.collect::<Vec<_>>().join(&separator))
        }
    }
}

/// What stands between brackets, on its way to a selection.
#[derive(Debug)]
pub(super) struct Brackets {
    indexer: Indexer,
    items: Vec<Item>,
    /// Whether each item of `items` is a list of Python.
    are_lists: Vec<bool>,
    fields: Vec<String>,
}

impl Brackets {
    /// Reads a step's selection; absent is everything.
    pub(super) fn read(indexer: Indexer, value: Option<&Value>) -> Outcome<Self> {
        let parts = match value {
            None => &[][..],
            Some(Value::Array(parts)) => parts,
            Some(one) => std::slice::from_ref(one),
        };
        let field = |part: &Value| part.as_str().filter(|text| *text != "...").map(str::to_owned);
        let (fields, parts): (Vec<_>, Vec<_>) = parts.iter().partition(|part| field(part).is_some());
        Ok(Self {
            indexer,
            items: parts
                .iter()
                .map(|part| Item::read(part))
                .collect::<Outcome<_>>()?,
            are_lists: parts.iter().map(|part| part.get("list").is_some()).collect(),
            fields: fields.into_iter().filter_map(field).collect(),
        })
    }

    /// Finds what is selected of an array, or says what zarr-python would.
    ///
    /// Reading looks at the fields first, and writing at the positions.
    pub(super) fn selection(&self, array: &Array, is_read: bool) -> Outcome<Selection> {
        let fields = Selection::all().fields(self.fields.iter().cloned());
        let fields = array.selected(&fields).map_err(|error| self.phrase(error));
        let selection = if self.indexer == Indexer::Vectorized {
            let selection = self.vectorized(array)?;
            fields.map(|_| selection)?
        } else {
            if is_read {
                fields?;
            }
            self.by_dimension(array)?
        };
        let selection = selection.fields(self.fields.iter().cloned());
        array.selected(&selection).map_err(|error| self.phrase(error))?;
        Ok(selection)
    }

    fn vectorized(&self, array: &Array) -> Outcome<Selection> {
        if let [Item::Truths { shape, values }] = &self.items[..] {
            return Ok(Selection::mask(shape.clone(), values.clone()));
        }
        if let [Item::Taken(SelectionItem::Mask(values))] = &self.items[..] {
            return Ok(Selection::mask([values.len() as u64], values.clone()));
        }
        if self.items.is_empty() && array.ndim() == 0 {
            return Err(Failure::new("IndexError", "tuple index out of range").into());
        }
        let arrays: Option<Vec<_>> = self
            .items
            .iter()
            .map(|item| match item {
                Item::Taken(SelectionItem::Index(index)) => Some((*index).into()),
                Item::Taken(SelectionItem::Indices(array)) => Some(array.clone()),
                _ => None,
            })
            .collect();
        let arrays: Vec<IndexArray> = arrays
            .filter(|arrays| arrays.len() == array.ndim())
            .ok_or_else(|| self.not_vectorized())?;
        Ok(Selection::coordinates(arrays))
    }

    fn by_dimension(&self, array: &Array) -> Outcome<Selection> {
        let mut taken = Vec::new();
        for item in &self.items {
            taken.push(match (item, self.indexer) {
                (Item::Truths { shape, values }, Indexer::Orthogonal) if shape.len() == 1 => {
                    SelectionItem::Mask(values.clone())
                }
                (Item::Taken(item) | Item::Slice { item, .. }, _) => item.clone(),
                _ => return Err(self.refuse(&taken, array)),
            });
        }
        Ok(self.make(taken))
    }

    fn make(&self, items: Vec<SelectionItem>) -> Selection {
        match self.indexer {
            Indexer::Orthogonal => Selection::orthogonal(items),
            Indexer::Blocks => Selection::blocks(items),
            Indexer::Plain | Indexer::Vectorized => Selection::new(items),
        }
    }

    /// The error for the first item that no selection has; those before it may be wrong themselves.
    fn refuse(&self, before: &[SelectionItem], array: &Array) -> Fault {
        let ndim = array.ndim();
        let is_ellipsis = |item: &&Item| matches!(item, Item::Taken(SelectionItem::Ellipsis));
        let n_ellipses = self.items.iter().filter(is_ellipsis).count();
        if n_ellipses > 1 {
            let message = "an index can only have a single ellipsis ('...')";
            return Failure::new("IndexError", message).into();
        }
        let n_items = self.items.len() - if ndim == 0 { 0 } else { n_ellipses };
        if n_items > ndim {
            let message = format!("too many indices for array; expected {ndim}, got {n_items}");
            return Failure::new("IndexError", message).into();
        }
        let item = &self.items[before.len()];
        let first_list = before.iter().position(|item| {
            self.indexer == Indexer::Plain
                && matches!(item, SelectionItem::Indices(_) | SelectionItem::Mask(_))
        });
        let sound = &before[..first_list.unwrap_or(before.len())];
        if let Err(error) = array.selected(&self.make(sound.to_vec())) {
            return self.phrase(error);
        }
        if self.indexer == Indexer::Orthogonal && matches!(item, Item::Truths { .. }) {
            let message = "Boolean arrays in an orthogonal selection must be 1-dimensional only";
            return Failure::new("IndexError", message).into();
        }
        let class = match (item, first_list) {
            (_, Some(place)) => self.class(place),
            // Only plain brackets leave lists as they are.
            (Item::Foreign { class: "list", .. }, _) if self.indexer != Indexer::Plain => "numpy.ndarray",
            (Item::Foreign { class, .. }, _) => class,
            _ => "numpy.ndarray",
        };
        let rule = match self.indexer {
            Indexer::Orthogonal => {
                "orthogonal indexing; expected integer, slice, integer array or Boolean array"
            }
            Indexer::Blocks => "block indexing; expected integer or slice",
            Indexer::Plain | Indexer::Vectorized => "basic indexing; expected integer or slice",
        };
        let message = format!("unsupported selection item for {rule}, got <class '{class}'>");
        Failure::new("IndexError", message).into()
    }

    /// The class of a list or an array.
    fn class(&self, place: usize) -> &'static str {
        if self.are_lists[place] && self.indexer == Indexer::Plain {
            "list"
        } else {
            "numpy.ndarray"
        }
    }

    fn not_vectorized(&self) -> Fault {
        let items: Vec<_> = self.items.iter().map(Item::shown).collect();
        let tuple = match &items[..] {
            [one] => format!("({one},)"),
            several => format!("({})", several.join(", ")),
        };
        let message = format!(
            "unsupported selection type for vectorized indexing; only coordinate selection (tuple of integer arrays) and mask selection (single Boolean array) are supported; got {tuple}"
        );
        Failure::new("zarr.errors.VindexInvalidSelectionError", message).into()
    }

    /// Puts Python's names into an error of the library.
    fn phrase(&self, error: CoreError) -> Fault {
        let CoreError::Selection { reason } = &error else {
            return error.into();
        };
        if reason.starts_with("unsupported selection type for vectorized") {
            return self.not_vectorized();
        }
        if let Some(name) = reason.strip_prefix("invalid 'fields' argument, field not found: ") {
            let name = name.trim_matches('"');
            let message = format!(
                "invalid 'fields' argument, field not found: KeyError(\"Field named '{name}' not found.\")"
            );
            return Failure::new("IndexError", message).into();
        }
        let is_list = |item: &Item| {
            matches!(
                item,
                Item::Taken(SelectionItem::Indices(_) | SelectionItem::Mask(_))
            )
        };
        let class = match reason.rsplit_once(", got ") {
            Some((_, "a list")) => self.items.iter().position(is_list).map(|place| self.class(place)),
            Some((_, "a slice")) => Some("slice"),
            _ => None,
        };
        match (class, reason.rsplit_once(", got ")) {
            (Some(class), Some((rule, _))) => {
                Failure::new("IndexError", format!("{rule}, got <class '{class}'>")).into()
            }
            _ => error.into(),
        }
    }
}

/// Whether a selection is of points, whose values may come in any shape.
pub(super) fn is_of_points(selection: &Selection, array: &Array) -> bool {
    let region = selection.resolve(array.shape(), array.chunk_shape());
    matches!(region, Ok(Region::Points(_)))
}
