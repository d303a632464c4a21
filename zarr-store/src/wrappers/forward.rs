//! What a store leaves to the store that it wraps.

/// Writes the methods of [`Store`](crate::Store) that a store leaves to another one, so that what stands beside it is
/// what the store does itself.
///
/// Each line says how, and for which methods:
///
/// * `to inner: size, set;` does what the store in the field `inner` does.
/// * `to inner by kept: size, set;` does so for another key or prefix, that which `self.kept(key)?` gives.
/// * `through request: size, set;` gives a closure that does it to `self.request(...)`, which calls it with a store;
///   for answers that do not borrow from the store.
/// * `without: stage, lasting;` answers as a store does that has no such way.
///
/// With `#[deny(clippy::missing_trait_methods)]` on the implementation none is forgotten, also when `Store` gets
/// another method.
///
/// ```
/// use zarr_store::{Listing, MemoryStore, Store, StoreError, StoreKey, StorePrefix, forward_to_store};
///
/// /// A store that lists nothing.
/// #[derive(Debug)]
/// struct Secret {
///     inner: MemoryStore,
/// }
///
/// #[deny(clippy::missing_trait_methods)]
/// impl Store for Secret {
///     fn list_dir(&self, _: &StorePrefix) -> Result<Listing, StoreError> {
///         Ok(Listing::default())
///     }
///
///     forward_to_store! {
///         to inner: get_ranges, size, set, check_set, begin_set, lock, set_locked, erase, capabilities, erase_prefix, flush;
///         to inner: rename_prefix, set_new, generation, sweep, io_hints, node_format, describe;
///         // What is in their trees could be listed.
///         without: stage, changes, lasting;
///     }
/// }
///
/// let store = Secret { inner: MemoryStore::new() };
/// store.set(&StoreKey::new("foo")?, b"12")?;
/// assert_eq!(store.size(&StoreKey::new("foo")?)?, Some(2));
/// assert_eq!(store.list_dir(&StorePrefix::root())?, Listing::default());
/// # Ok::<(), StoreError>(())
/// ```
#[macro_export]
macro_rules! forward_to_store {
    // The lines, one by one.
    () => {};
    (to $inner:tt: $($method:ident),+; $($rest:tt)*) => {
        $($crate::forward_to_store!(@$method (to $inner));)+
        $crate::forward_to_store! { $($rest)* }
    };
    (to $inner:tt by $kept:ident: $($method:ident),+; $($rest:tt)*) => {
        $($crate::forward_to_store!(@$method (to $inner by $kept));)+
        $crate::forward_to_store! { $($rest)* }
    };
    (through $request:ident: $($method:ident),+; $($rest:tt)*) => {
        $($crate::forward_to_store!(@$method (through $request));)+
        $crate::forward_to_store! { $($rest)* }
    };
    (without: $($method:ident),+; $($rest:tt)*) => {
        $($crate::forward_to_store!(@without $method);)+
        $crate::forward_to_store! { $($rest)* }
    };

    // The methods, as they stand in the trait.
    (@get_ranges $how:tt) => {
        $crate::forward_to_store!(@fn $how get_ranges(
            key: &$crate::StoreKey, ranges: &[$crate::ByteRange], buffer: &mut $crate::ReadBuffer
        ) -> $crate::Result<bool>);
    };
    (@size $how:tt) => {
        $crate::forward_to_store!(@fn $how size(key: &$crate::StoreKey) -> $crate::Result<Option<u64>>);
    };
    (@set $how:tt) => {
        $crate::forward_to_store!(@fn $how set(key: &$crate::StoreKey, value: &[u8]) -> $crate::Result<()>);
    };
    (@check_set $how:tt) => {
        $crate::forward_to_store!(@fn $how check_set(keys: &[$crate::StoreKey]) -> $crate::Result<()>);
    };
    (@begin_set $how:tt) => {
        $crate::forward_to_store!(@fn $how begin_set(
            key: &$crate::StoreKey
        ) -> $crate::Result<Option<Box<dyn $crate::PendingValue + '_>>>);
    };
    (@lock $how:tt) => {
        $crate::forward_to_store!(@fn $how lock(key: &$crate::StoreKey) -> $crate::Result<$crate::KeyLock>);
    };
    (@set_locked $how:tt) => {
        $crate::forward_to_store!(@fn $how set_locked(
            key: &$crate::StoreKey, value: &[u8], lock: $crate::KeyLock
        ) -> $crate::Result<()>);
    };
    (@erase $how:tt) => {
        $crate::forward_to_store!(@fn $how erase(key: &$crate::StoreKey) -> $crate::Result<()>);
    };
    (@list_dir $how:tt) => {
        $crate::forward_to_store!(@fn $how list_dir(
            prefix: &$crate::StorePrefix
        ) -> $crate::Result<$crate::Listing>);
    };
    (@capabilities $how:tt) => {
        $crate::forward_to_store!(@fn $how capabilities() -> $crate::Capabilities);
    };
    (@erase_prefix $how:tt) => {
        $crate::forward_to_store!(@fn $how erase_prefix(prefix: &$crate::StorePrefix) -> $crate::Result<()>);
    };
    (@flush $how:tt) => {
        $crate::forward_to_store!(@fn $how flush() -> $crate::Result<()>);
    };
    (@rename_prefix $how:tt) => {
        $crate::forward_to_store!(@fn $how rename_prefix(
            from: &$crate::StorePrefix, to: &$crate::StorePrefix
        ) -> $crate::Result<bool>);
    };
    (@stage $how:tt) => {
        $crate::forward_to_store!(@fn $how stage(
            target: &$crate::StorePrefix
        ) -> $crate::Result<Option<Box<dyn $crate::Staged>>>);
    };
    (@set_new $how:tt) => {
        $crate::forward_to_store!(@fn $how set_new(
            folder: &$crate::StorePrefix, values: &[(&str, &[u8])], ready: &mut dyn FnMut() -> bool
        ) -> $crate::Result<bool>);
    };
    (@changes $how:tt) => {
        $crate::forward_to_store!(@fn $how changes() -> Option<u64>);
    };
    (@generation $how:tt) => {
        $crate::forward_to_store!(@fn $how generation(key: &$crate::StoreKey) -> $crate::Result<Option<u64>>);
    };
    (@sweep $how:tt) => {
        $crate::forward_to_store!(@fn $how sweep(
            folder: &$crate::StorePrefix, deep: bool
        ) -> $crate::Result<()>);
    };
    (@lasting $how:tt) => {
        $crate::forward_to_store!(@fn $how lasting() -> Option<&dyn $crate::Lasting>);
    };
    (@io_hints $how:tt) => {
        $crate::forward_to_store!(@fn $how io_hints() -> $crate::IoHints);
    };
    (@node_format $how:tt) => {
        $crate::forward_to_store!(@fn $how node_format() -> Option<&'static str>);
    };
    (@describe $how:tt) => {
        $crate::forward_to_store!(@fn $how describe(key: &str) -> String);
    };

    // What a store may be without, and what it answers then.
    (@without begin_set) => { $crate::forward_to_store!(@begin_set (answer Ok(None))); };
    (@without set_locked) => {
        fn set_locked(
            &self, key: &$crate::StoreKey, value: &[u8], lock: $crate::KeyLock
        ) -> $crate::Result<()> {
            let result = self.set(key, value);
            drop(lock);
            result
        }
    };
    (@without rename_prefix) => { $crate::forward_to_store!(@rename_prefix (answer Ok(false))); };
    (@without stage) => { $crate::forward_to_store!(@stage (answer Ok(None))); };
    (@without set_new) => { $crate::forward_to_store!(@set_new (answer Ok(false))); };
    (@without changes) => { $crate::forward_to_store!(@changes (answer None)); };
    (@without lasting) => { $crate::forward_to_store!(@lasting (answer None)); };

    // A method that does as it is told to.
    (@fn (answer $answer:expr) $name:ident($($arg:ident: $type:ty),*) -> $result:ty) => {
        fn $name(&self, $(_: $type),*) -> $result {
            $answer
        }
    };
    (@fn $how:tt $name:ident($($arg:ident: $type:ty),*) -> $result:ty) => {
        fn $name(&self, $($arg: $type),*) -> $result {
            $crate::forward_to_store!(@call $how self $name($($arg),*))
        }
    };
    (@call (to $inner:tt) $self:ident $name:ident($($arg:ident),*)) => {
        $self.$inner.$name($($arg),*)
    };
    (@call (to $inner:tt by $kept:ident) $self:ident $name:ident($key:ident $(, $arg:ident)*)) => {
        $self.$inner.$name(&$self.$kept($key)?, $($arg),*)
    };
    (@call (through $request:ident) $self:ident $name:ident($($arg:ident),*)) => {
        $self.$request(|store| store.$name($($arg),*))
    };
}
