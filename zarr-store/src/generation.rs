//! What tells one value of a key from another.

/// Whether [generations](crate::Store::generation) may be those of one value; not every store tells them.
///
/// ```
/// use zarr_store::may_be_same;
/// assert!(may_be_same(Some(7), Some(7)) && may_be_same(Some(7), None));
/// assert!(!may_be_same(Some(7), Some(8)));
/// ```
pub fn may_be_same(one: Option<u64>, other: Option<u64>) -> bool {
    one.is_none() || other.is_none() || one == other
}
