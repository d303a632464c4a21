//! Mappings of virtual datasets that grow with their sources: along one dimension, or by sources whose names have
//! numbers.

use super::attribute::Node;
use super::libhdf5::{self, Called, Mapping, Slab};
use super::outside::Place;
use super::several::open;

/// The most blocks that the pattern of a name stands for.
const BLOCKS_MAX: u64 = 1 << 20;

/// A name with the number of a block in the place of `%b`; two percent signs are one.
pub(super) fn named(pattern: &[u8], number: Option<u64>) -> Vec<u8> {
    let (mut name, mut rest) = (Vec::new(), pattern);
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after.first(), number) {
            (b'%', Some(b'b'), Some(number)) => {
                name.extend(number.to_string().into_bytes());
                rest = &after[1..];
            }
            (b'%', Some(b'%'), _) => {
                name.push(b'%');
                rest = &after[1..];
            }
            _ => name.push(*byte),
        }
    }
    name
}

/// Whether a name has a number of a block in it.
fn has_number(pattern: &[u8]) -> bool {
    named(pattern, Some(0)) != named(pattern, Some(1))
}

/// A mapping that grows with its sources along one dimension.
pub(super) struct Unlimited {
    pub(super) dimension: usize,
    to: Slab,
    /// The boxes of the source, and the dimension along which they have no limit; `None` for sources with numbers.
    from: Option<(Slab, usize)>,
    pub(super) has_numbers: bool,
}

/// What a mapping without limit comes to.
#[derive(Default)]
pub(super) struct Blocks {
    /// How long the virtual dataset must be for it.
    pub(super) end: u64,
    pub(super) blocks: Vec<Block>,
}

pub(super) struct Block {
    pub(super) number: u64,
    pub(super) place: Place,
    pub(super) to: Vec<Slab>,
    /// The shape of the source, and its boxes; `None` for those that the mapping has.
    pub(super) from: Option<(Vec<u64>, Vec<Slab>)>,
}

impl Unlimited {
    /// `None` for a mapping that has limits.
    pub(super) fn of(mapping: &Mapping) -> Called<Option<Self>> {
        let has_numbers = has_number(&mapping.file) || has_number(&mapping.dataset);
        let Some(to) = libhdf5::slab(&mapping.to)? else {
            return Ok(None);
        };
        let Some(dimension) = to.unlimited() else {
            return Ok(None);
        };
        let from = if has_numbers {
            None
        } else {
            let slab = libhdf5::slab(&mapping.from)?;
            let from = slab.and_then(|slab| slab.unlimited().map(|dimension| (slab, dimension)));
            Some(from.ok_or("a mapping grows, and its source does not")?)
        };
        Ok(Some(Self {
            dimension,
            to,
            from,
            has_numbers,
        }))
    }

    /// Finds how far the sources reach.
    pub(super) fn blocks(&self, node: &Node, mapping: &Mapping) -> Called<Blocks> {
        let Some((from, from_dimension)) = &self.from else {
            return self.numbered(node, mapping);
        };
        let place = node.file().outside(&named(&mapping.file, None))?;
        let Some(source) = open(node, &place, &named(&mapping.dataset, None))? else {
            return Ok(Blocks::default());
        };
        let shape = source.info().space.shape().unwrap_or_default().to_vec();
        let length = shape.get(*from_dimension).copied();
        let n = from.reach(*from_dimension, length.ok_or("the numbers of dimensions differ")?);
        let block = Block {
            number: 0,
            place,
            to: self.to.cut(self.dimension, n),
            from: Some((shape, from.cut(*from_dimension, n))),
        };
        let end = self.to.end(self.dimension, n);
        let blocks = if n == 0 { Vec::new() } else { vec![block] };
        Ok(Blocks { end, blocks })
    }

    /// Finds the sources whose names have numbers, up to the first that is not there.
    fn numbered(&self, node: &Node, mapping: &Mapping) -> Called<Blocks> {
        let mut found = Blocks::default();
        let Some(length) = self.to.block[self.dimension] else {
            return Err("blocks without limit have numbers".to_owned());
        };
        for number in 0..BLOCKS_MAX {
            let place = node.file().outside(&named(&mapping.file, Some(number)))?;
            if open(node, &place, &named(&mapping.dataset, Some(number)))?.is_none() {
                return Ok(found);
            }
            let mut to = self.to.clone();
            let step = number.checked_mul(to.stride[self.dimension]);
            let start = step.and_then(|step| step.checked_add(to.start[self.dimension]));
            let end = start.and_then(|start| start.checked_add(length));
            let (Some(start), Some(end)) = (start, end) else {
                break;
            };
            (to.start[self.dimension], to.count[self.dimension]) = (start, Some(1));
            found.end = end;
            found.blocks.push(Block {
                number,
                place,
                to: vec![to],
                from: None,
            });
        }
        Err("it has more numbered sources than can be counted".to_owned())
    }
}

impl Slab {
    /// The dimension along which it has no limit.
    fn unlimited(&self) -> Option<usize> {
        let lengths = self.count.iter().zip(&self.block);
        lengths
            .into_iter()
            .position(|(count, block)| count.is_none() || block.is_none())
    }

    /// How many places there are along the dimension without limit, before `length`.
    fn reach(&self, dimension: usize, length: u64) -> u64 {
        let rest = length.saturating_sub(self.start[dimension]);
        match self.block[dimension] {
            None => rest,
            Some(block) => {
                let stride = self.stride[dimension].max(1);
                (rest / stride)
                    .saturating_mul(block)
                    .saturating_add((rest % stride).min(block))
            }
        }
    }

    /// How long an extent must be for the first `n` places along that dimension.
    fn end(&self, dimension: usize, n: u64) -> u64 {
        let start = self.start[dimension];
        match self.block[dimension] {
            _ if n == 0 => 0,
            None => start.saturating_add(n),
            Some(block) => {
                let (whole, part) = ((n - 1) / block.max(1), (n - 1) % block.max(1));
                let before = whole.saturating_mul(self.stride[dimension]);
                start
                    .saturating_add(before)
                    .saturating_add(part)
                    .saturating_add(1)
            }
        }
    }

    /// The first `n` places along that dimension: whole blocks, and a part of one.
    fn cut(&self, dimension: usize, n: u64) -> Vec<Self> {
        let Some(block) = self.block[dimension].map(|block| block.max(1)) else {
            let mut one = self.clone();
            (one.count[dimension], one.block[dimension]) = (Some(1), Some(n));
            one.stride[dimension] = n.max(1);
            return vec![one];
        };
        let mut cut = Vec::new();
        let (whole, part) = (n / block, n % block);
        if whole > 0 {
            let mut blocks = self.clone();
            blocks.count[dimension] = Some(whole);
            cut.push(blocks);
        }
        if part > 0 {
            let mut last = self.clone();
            let before = whole.saturating_mul(self.stride[dimension]);
            last.start[dimension] = self.start[dimension].saturating_add(before);
            (last.count[dimension], last.block[dimension]) = (Some(1), Some(part));
            cut.push(last);
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_names() {
        assert_eq!(named(b"f-%b.h5", Some(12)), b"f-12.h5");
        assert_eq!(named(b"100%%-%b%d", Some(3)), b"100%-3%d");
        assert_eq!(named(b"f-%b.h5", None), b"f-%b.h5");
        assert!(has_number(b"%b") && !has_number(b"%%b") && !has_number(b"plain%"));
    }

    #[test]
    fn boxes_without_limit_are_cut() {
        let slab = Slab {
            start: vec![1],
            stride: vec![5],
            count: vec![None],
            block: vec![Some(2)],
        };
        // The places are 1 2, 6 7, 11 12.
        for (length, n) in [(0, 0), (1, 0), (2, 1), (3, 2), (6, 2), (7, 3), (8, 4), (12, 5)] {
            assert_eq!(slab.reach(0, length), n, "{length}");
        }
        for (n, end) in [(0, 0), (1, 2), (2, 3), (3, 7), (4, 8), (5, 12)] {
            assert_eq!(slab.end(0, n), end, "{n}");
        }
        let cut = slab.cut(0, 5);
        assert_eq!((cut[0].count[0], cut[0].block[0]), (Some(2), Some(2)));
        assert_eq!((cut[1].start[0], cut[1].block[0]), (11, Some(1)));
        assert_eq!(slab.cut(0, 4).len(), 1);
    }
}
