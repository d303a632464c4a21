//! Complex numbers, with the arithmetic of `NumPy`.

use super::number::{Arithmetic, Float, Number};

/// A real and an imaginary part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Complex<F> {
    pub(crate) re: F,
    pub(crate) im: F,
}

impl<F: Number> Number for Complex<F> {
    const SIZE: usize = 2 * F::SIZE;

    #[inline]
    fn load(bytes: &[u8]) -> Self {
        Self {
            re: F::load(&bytes[..F::SIZE]),
            im: F::load(&bytes[F::SIZE..]),
        }
    }

    #[inline]
    fn store(self, bytes: &mut [u8]) {
        self.re.store(&mut bytes[..F::SIZE]);
        self.im.store(&mut bytes[F::SIZE..]);
    }
}

impl<F: Float> Float for Complex<F> {
    fn of_f64(value: f64) -> Self {
        Self {
            re: F::of_f64(value),
            im: F::of_f64(0.0),
        }
    }
}

impl<F: Float> Arithmetic for Complex<F> {
    fn nothing() -> Self {
        Self {
            re: F::nothing(),
            im: F::nothing(),
        }
    }

    #[inline]
    fn add(self, other: Self) -> Self {
        Self {
            re: self.re.add(other.re),
            im: self.im.add(other.im),
        }
    }

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self {
            re: self.re.sub(other.re),
            im: self.im.sub(other.im),
        }
    }

    #[inline]
    fn mul(self, other: Self) -> Self {
        Self {
            re: self.re.mul(other.re).sub(self.im.mul(other.im)),
            im: self.re.mul(other.im).add(self.im.mul(other.re)),
        }
    }

    /// By a real number, as all that filters divide by are: times its reciprocal, as Smith's algorithm has it.
    fn div(self, other: Self) -> Self {
        let zero = F::of_f64(0.0);
        let ratio = other.im.div(other.re);
        let scale = F::of_f64(1.0).div(other.re.add(zero.mul(ratio)));
        Self {
            re: self.re.add(self.im.mul(ratio)).mul(scale),
            im: self.im.sub(self.re.mul(ratio)).mul(scale),
        }
    }

    #[inline]
    fn round(self) -> Self {
        Self {
            re: self.re.round(),
            im: self.im.round(),
        }
    }
}
