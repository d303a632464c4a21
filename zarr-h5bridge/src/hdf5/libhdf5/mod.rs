//! The calls into the HDF5 library, wrapped so that nothing outside this folder needs unsafe code.
//!
//! A wrapper takes the library's lock, calls, and gives the innermost message of the library's error stack where
//! the call failed. It trusts no number of the file: what a buffer must hold is asked from the library
//! and compared with the buffer before the library writes into it.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

mod committed;
mod file_space;
mod filters;
mod items;
mod make_type;
mod objects;
mod properties;
mod sources;
mod times;
mod types;
mod values;
mod write;

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::sync::Once;

use hdf5_sys::h5e::{H5E_DEFAULT, H5E_WALK_UPWARD, H5E_error2_t, H5Ewalk2};
use hdf5_sys::h5i::{H5Idec_ref, hid_t};
use hdf5_sys::h5pl::H5PLset_loading_state;

pub(super) use committed::*;
pub(super) use file_space::file_space;
pub(super) use filters::*;
pub(super) use items::*;
pub(super) use make_type::make_type;
pub(super) use objects::*;
pub(super) use properties::*;
pub(super) use sources::*;
pub(super) use times::*;
pub(super) use types::*;
pub(super) use values::*;
pub(super) use write::*;

/// What a call gave, or the library's own words on why it failed.
pub(super) type Called<T> = Result<T, String>;

/// An open thing of the library, closed when dropped.
#[derive(Debug)]
pub(super) struct Handle(hid_t);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the identifier is valid, because only `own` makes handles, and this one owns a count of it.
        locked(|| unsafe { H5Idec_ref(self.0) });
    }
}

/// Calls under the lock of the library. The lock may be taken again by the thread that has it.
fn locked<T>(call: impl FnOnce() -> T) -> T {
    static PLUGINS_OFF: Once = Once::new();
    hdf5::sync::sync(|| {
        PLUGINS_OFF.call_once(|| {
            let mut none: c_int = 0;
            // SAFETY: the library is initialised, and the pointer is to a number that it copies.
            unsafe { H5PLset_loading_state(&raw mut none) };
        });
        call()
    })
}

/// Calls under the lock; a negative number means failure.
fn called<T: PartialOrd + Default>(call: impl FnOnce() -> T) -> Called<T> {
    locked(|| {
        let status = call();
        if status < T::default() {
            Err(innermost_message())
        } else {
            Ok(status)
        }
    })
}

/// Calls for an identifier, which the caller owns from then on.
fn own(call: impl FnOnce() -> hid_t) -> Called<Handle> {
    called(call).map(Handle)
}

/// The most specific message on the error stack, in one line. The lock must be held since the failure.
fn innermost_message() -> String {
    unsafe extern "C" fn keep_first(_: c_uint, frame: *const H5E_error2_t, kept: *mut c_void) -> c_int {
        // SAFETY: the library hands over a valid frame, and `kept` is the `Option<String>` given below.
        let (kept, frame) = unsafe { (&mut *kept.cast::<Option<String>>(), &*frame) };
        if kept.is_none() && !frame.desc.is_null() {
            // SAFETY: a description is a text that ends with zero and lives as long as the frame.
            let words = unsafe { CStr::from_ptr(frame.desc) }.to_string_lossy();
            *kept = Some(words.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        0
    }
    let mut message: Option<String> = None;
    let kept = (&raw mut message).cast::<c_void>();
    // SAFETY: the callback has the type that the library asks for, and `message` outlives the walk.
    unsafe { H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, Some(keep_first), kept) };
    message
        .filter(|words| !words.is_empty())
        .unwrap_or_else(|| "the HDF5 library gives no reason".to_owned())
}

/// A buffer of zero bytes, or a reason why there is none; `None` is a size that no number can hold.
fn zeroed<T: Copy + Default>(len: Option<usize>) -> Called<Vec<T>> {
    let len = len.ok_or("the size is beyond all memory")?;
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(len)
        .map_err(|_| format!("there is no memory for {len} elements"))?;
    buffer.resize(len, T::default());
    Ok(buffer)
}
