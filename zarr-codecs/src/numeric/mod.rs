//! The filters of numcodecs that work on numbers.
//!
//! Such a filter takes a flat run of elements and gives another; it views whatever it gets as elements of its
//! own type. In a Zarr V3 document it is a codec of arrays; in a V2 document it may stand anywhere, and is a
//! codec of bytes wherever bytes come before it. [`Kernel`] is what is special to one filter, [`Filter`] gives
//! it both forms.
//!
//! Sums, products and casts are `NumPy`'s, down to what becomes of numbers that do not fit.

mod cast;
mod complex;
mod config;
mod filter;
mod long;
mod number;
mod units;

pub(crate) use self::{
    cast::cast_numbers,
    complex::Complex,
    config::{cast_between, kind_of, require, stored_type, with_types},
    filter::{Filter, Kernel, Types},
    number::{Arithmetic, Float, Kind, Number, with_number},
    units::UnitCast,
};

/// How many elements are worked on at once where they change their type on the way: they stay in the cache.
pub(crate) const BLOCK: usize = 512;

/// The most bytes of an element of any number type.
pub(crate) const NUMBER_SIZE_MAX: usize = 16;
