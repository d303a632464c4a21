//! Filters of this program, called by the library.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{c_uint, c_void};
use std::panic::catch_unwind;
use std::sync::OnceLock;

use hdf5_sys::h5::{H5allocate_memory, H5free_memory};
use hdf5_sys::h5z::{H5Z_CLASS_T_VERS, H5Z_FLAG_REVERSE, H5Z_class2_t, H5Z_func_t, H5Zregister};

use super::super::filter_code::FilterCode;
use super::locked;

static CODES: OnceLock<&'static [FilterCode]> = OnceLock::new();

/// The library does not say which filter it calls, so each has a function of its own.
const FUNCTIONS: [H5Z_func_t; 8] = [
    Some(run::<0>),
    Some(run::<1>),
    Some(run::<2>),
    Some(run::<3>),
    Some(run::<4>),
    Some(run::<5>),
    Some(run::<6>),
    Some(run::<7>),
];

/// Gives filters to the library, once; of a second call nothing comes.
pub(in crate::hdf5) fn register_filters(codes: &'static [FilterCode]) {
    let codes = CODES.get_or_init(|| codes);
    for (code, filter) in codes.iter().zip(FUNCTIONS) {
        let class = H5Z_class2_t {
            version: H5Z_CLASS_T_VERS as i32,
            id: code.id,
            encoder_present: 1,
            decoder_present: 1,
            name: code.name.as_ptr(),
            can_apply: None,
            set_local: None,
            filter,
        };
        // SAFETY: the library copies the class, whose name and function live for ever.
        locked(|| unsafe { H5Zregister((&raw const class).cast()) });
    }
}

/// Applies or undoes a filter, for the library: gives the number of bytes made, and 0 for failure.
unsafe extern "C" fn run<const N: usize>(
    flags: c_uint,
    n_numbers: usize,
    numbers: *const c_uint,
    size: usize,
    room: *mut usize,
    buffer: *mut *mut c_void,
) -> usize {
    let Some(code) = CODES.get().and_then(|codes| codes.get(N)) else {
        return 0;
    };
    // SAFETY: the library hands over as many numbers, and a buffer of as many bytes, as it tells.
    let (numbers, bytes) = unsafe { (slice(numbers, n_numbers), slice((*buffer).cast::<u8>(), size)) };
    let change = if flags & H5Z_FLAG_REVERSE == 0 {
        code.encode
    } else {
        code.decode
    };
    let made = catch_unwind(|| change(code.id, numbers, bytes)).ok().flatten();
    let Some(made) = made.filter(|made| !made.is_empty()) else {
        return 0;
    };
    // SAFETY: the new buffer is the library's own and has room for what is copied; it takes the place of the old one,
    // which is given back.
    unsafe {
        let new = H5allocate_memory(made.len(), 0);
        if new.is_null() {
            return 0;
        }
        new.cast::<u8>()
            .copy_from_nonoverlapping(made.as_ptr(), made.len());
        H5free_memory(*buffer);
        *buffer = new;
        *room = made.len();
    }
    made.len()
}

/// # Safety
/// Unless it is null, the pointer must be to as many values, which live as long as the slice is used.
unsafe fn slice<'a, T>(values: *const T, len: usize) -> &'a [T] {
    if values.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(values, len) }
}
