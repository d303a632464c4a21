//! Flags of Python's `re`.

use std::ops::BitOr;

use crate::{Error, Result};

/// How an expression is read, with the numbers of Python's `re`.
///
/// ```
/// use zarr_convenience::PatternFlags;
/// let flags = PatternFlags::IGNORECASE | PatternFlags::VERBOSE;
/// assert_eq!(PatternFlags::from_bits(66)?, flags);
/// assert!(PatternFlags::from_bits(4).is_err());
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatternFlags(u32);

impl PatternFlags {
    /// `re.I`: letters match in either case.
    pub const IGNORECASE: Self = Self(2);
    /// `re.M`: `^` and `$` match at lines.
    pub const MULTILINE: Self = Self(8);
    /// `re.S`: `.` matches a newline too.
    pub const DOTALL: Self = Self(16);
    /// `re.U`: as without it.
    pub const UNICODE: Self = Self(32);
    /// `re.X`: blanks and comments are passed over.
    pub const VERBOSE: Self = Self(64);
    /// `re.A`: `\d`, `\s`, `\w`, `\b` and the case of letters know ASCII alone.
    pub const ASCII: Self = Self(256);
    const LOCALE: Self = Self(4);
    const KNOWN: u32 = 2 | 8 | 16 | 32 | 64 | 256;

    /// Takes the sum of Python's flags.
    ///
    /// # Errors
    /// [`Error::Argument`] for `re.L`, which is for bytes, for `re.A` with `re.U`, and for bits that are no flag.
    pub fn from_bits(bits: u32) -> Result<Self> {
        let refuse = |reason: String| Err(Error::Argument(format!("regular expression: {reason}")));
        let flags = Self(bits);
        if flags.has(Self::LOCALE) {
            return refuse("cannot use LOCALE flag with a str pattern".to_owned());
        }
        if bits & !Self::KNOWN != 0 {
            return refuse(format!("flags {bits} are not a sum of flags of Python's re"));
        }
        if flags.has(Self::ASCII) && flags.has(Self::UNICODE) {
            return refuse("ASCII and UNICODE flags are incompatible".to_owned());
        }
        Ok(flags)
    }

    /// Whether a flag is among these.
    pub const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    /// The flag of a letter, as in `(?i)`.
    pub(super) const fn of_letter(letter: char) -> Option<Self> {
        Some(match letter {
            'i' => Self::IGNORECASE,
            'L' => Self::LOCALE,
            'm' => Self::MULTILINE,
            's' => Self::DOTALL,
            'u' => Self::UNICODE,
            'x' => Self::VERBOSE,
            'a' => Self::ASCII,
            _ => return None,
        })
    }

    /// Those that say which alphabet there is.
    pub(super) const fn alphabet() -> Self {
        Self(Self::LOCALE.0 | Self::UNICODE.0 | Self::ASCII.0)
    }

    pub(super) const fn is_locale(self) -> bool {
        self.has(Self::LOCALE)
    }

    pub(super) const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

impl BitOr for PatternFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
