//! Natural numbers of any size, as far as exact decimals need them.

use std::cmp::Ordering;

/// A natural number, in digits to the base 2^32 from the least on; the last one is not 0.
#[derive(Debug, Clone)]
pub(super) struct Natural(Vec<u32>);

impl Natural {
    pub(super) fn new(value: u64) -> Self {
        let mut number = Self(vec![value as u32, (value >> 32) as u32]);
        number.trim();
        number
    }

    fn trim(&mut self) {
        let used = self.0.iter().rposition(|digit| *digit != 0);
        self.0.truncate(used.map_or(0, |last| last + 1));
    }

    pub(super) const fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bits the number has.
    pub(super) fn bits(&self) -> i32 {
        self.0
            .last()
            .map_or(0, |digit| self.0.len() as i32 * 32 - digit.leading_zeros() as i32)
    }

    /// Multiplies, and adds to the product.
    pub(super) fn multiply_add(&mut self, by: u32, more: u32) {
        let mut carry = u64::from(more);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(by);
            *digit = carry as u32;
            carry >>= 32;
        }
        self.0.push(carry as u32);
        self.trim();
    }

    /// Multiplies by a power of ten.
    pub(super) fn multiply_power_of_ten(&mut self, power: u32) {
        for _ in 0..power / 9 {
            self.multiply_add(1_000_000_000, 0);
        }
        self.multiply_add(10_u32.pow(power % 9), 0);
    }

    /// Multiplies by a power of two.
    pub(super) fn shift(&mut self, bits: u32) {
        if self.is_zero() {
            return;
        }
        self.multiply_add(1 << (bits % 32), 0);
        self.0.splice(..0, std::iter::repeat_n(0, bits as usize / 32));
    }

    pub(super) fn add(&mut self, other: &Self) {
        let length = self.0.len().max(other.0.len()) + 1;
        self.0.resize(length, 0);
        let mut carry = 0;
        for (index, digit) in self.0.iter_mut().enumerate() {
            carry += u64::from(*digit) + u64::from(other.0.get(index).copied().unwrap_or(0));
            *digit = carry as u32;
            carry >>= 32;
        }
        self.trim();
    }

    /// Takes a number away that is not larger.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        for (index, digit) in self.0.iter_mut().enumerate() {
            let taken = i64::from(other.0.get(index).copied().unwrap_or(0)) + borrow;
            let rest = i64::from(*digit) - taken;
            *digit = rest as u32;
            borrow = i64::from(rest < 0);
        }
        self.trim();
    }

    /// Divides, where the quotient is a small one: gives it and leaves the rest.
    pub(super) fn take_quotient(&mut self, divisor: &Self) -> u8 {
        let mut quotient = 0;
        while *self >= *divisor {
            self.subtract(divisor);
            quotient += 1;
        }
        quotient
    }
}

impl PartialEq for Natural {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Natural {}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}
