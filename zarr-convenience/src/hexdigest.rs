//! `hexdigest`: a hash of what is stored of an array (`v2-semantics` 13.14).
//!
//! Other than [`crate::digest`], which hashes values, this one differs when chunks, codecs or attributes differ.

use sha2::digest::DynDigest;
use zarr_core::Array;

use crate::{Error, Result};

/// A hash function, by its name in Python's `hashlib`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HashName {
    /// `md5`.
    Md5,
    /// `sha1`, which zarr-python takes unless told otherwise.
    #[default]
    Sha1,
    /// `sha224`.
    Sha224,
    /// `sha256`.
    Sha256,
    /// `sha384`.
    Sha384,
    /// `sha512`.
    Sha512,
    /// `blake2b`, of 64 bytes.
    Blake2b,
    /// `blake2s`, of 32 bytes.
    Blake2s,
}

impl HashName {
    /// Reads the name, in upper or lower case.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other.
    pub fn parse(name: &str) -> Result<Self> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "md5" => Self::Md5,
            "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            "blake2b" => Self::Blake2b,
            "blake2s" => Self::Blake2s,
            _ => return Err(Error::Argument(format!("unsupported hash type {name}"))),
        })
    }

    fn new_hash(self) -> Box<dyn DynDigest> {
        match self {
            Self::Md5 => Box::new(md5::Md5::default()),
            Self::Sha1 => Box::new(sha1::Sha1::default()),
            Self::Sha224 => Box::new(sha2::Sha224::default()),
            Self::Sha256 => Box::new(sha2::Sha256::default()),
            Self::Sha384 => Box::new(sha2::Sha384::default()),
            Self::Sha512 => Box::new(sha2::Sha512::default()),
            Self::Blake2b => Box::new(blake2::Blake2b512::default()),
            Self::Blake2s => Box::new(blake2::Blake2s256::default()),
        }
    }
}

/// The hash of the stored chunks in C order, the document and the attributes of an array, in hexadecimal digits.
///
/// Chunks that are not stored add nothing, as in zarr-python, whose digests of V2 arrays these are.
///
/// # Errors
/// When the store fails.
pub fn hexdigest(array: &Array, hash: HashName) -> Result<String> {
    let mut hash = hash.new_hash();
    array.visit_stored(&mut |bytes| hash.update(bytes))?;
    Ok(hash
        .finalize()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")))
}
