//! The filters of `lzma`, as Python's `lzma` takes them.
//!
//! A chain has one to four filters, each an object: `id` says which, the other members are its settings.
//! The last one compresses.

use liblzma::stream::{Error, Filters, LzmaOptions, MatchFinder, Mode, PRESET_DEFAULT};
use serde_json::{Map, Value};

use super::lzma::{NAME, checked_preset};
use crate::{CodecError, Configuration, Result, encoder_setting};

/// The most filters of a chain.
const FILTERS_MAX: usize = 4;

const LZMA1: i64 = 0x4000_0000_0000_0001;
const LZMA2: i64 = 0x21;
const DELTA: i64 = 3;

/// Filters of machine code that Python knows: x86, PowerPC, IA-64, ARM, ARM Thumb, SPARC.
const BRANCHES: std::ops::RangeInclusive<i64> = 4..=9;

/// The smallest and the largest dictionary that the encoder takes.
const DICTIONARY: std::ops::RangeInclusive<i32> = 1 << 12..=(1 << 30) + (1 << 29);

/// Filters in the order in which they encode.
#[derive(Debug)]
pub(super) struct FilterChain(Vec<Filter>);

#[derive(Debug)]
enum Filter {
    /// LZMA1 or LZMA2; settings that are not given are those of the preset.
    Lzma { id: i64, settings: Settings },
    /// Differences to the byte so many and one before.
    Delta { distance_less_one: u8 },
    /// Jump targets of machine code.
    Branches { id: i64, start_offset: u32 },
}

#[derive(Debug)]
struct Settings {
    preset: i64,
    dictionary_size: Option<i64>,
    literal_context_bits: Option<i64>,
    literal_position_bits: Option<i64>,
    position_bits: Option<i64>,
    mode: Option<i64>,
    nice_length: Option<i64>,
    match_finder: Option<i64>,
    depth: Option<i64>,
}

impl FilterChain {
    /// Reads a list of filters.
    pub(super) fn from_json(value: &Value) -> Result<Self> {
        let bad = |reason: String| CodecError::config(NAME, format!("`filters` {reason}"));
        let list = value
            .as_array()
            .ok_or_else(|| bad("must be null or a list".into()))?;
        if list.len() > FILTERS_MAX {
            return Err(bad(format!("are {}, at most {FILTERS_MAX}", list.len())));
        }
        let filter = |(index, value): (usize, &Value)| {
            let members = value
                .as_object()
                .ok_or_else(|| bad(format!("must be objects, number {index} is {value}")))?;
            Filter::from_json(members)
        };
        list.iter()
            .enumerate()
            .map(filter)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// The settings of the filter, if there is only one and that is LZMA1.
    pub(super) fn only_lzma1(&self) -> Option<Result<LzmaOptions>> {
        match self.0.as_slice() {
            [Filter::Lzma { id: LZMA1, settings }] => Some(settings.for_encoder()),
            _ => None,
        }
    }

    /// The filters as the library takes them to encode.
    pub(super) fn for_encoder(&self) -> Result<Filters> {
        self.build(Settings::for_encoder)
    }

    /// The filters as the library takes them to decode at most so many bytes.
    pub(super) fn for_decoder(&self, decoded_size_max: usize) -> Result<Filters> {
        self.build(|settings| settings.for_decoder(decoded_size_max))
    }

    fn build(&self, options: impl Fn(&Settings) -> Result<LzmaOptions>) -> Result<Filters> {
        let mut filters = Filters::new();
        for filter in &self.0 {
            match filter {
                Filter::Lzma { id: LZMA1, settings } => Ok(filters.lzma1(&options(settings)?)),
                Filter::Lzma { settings, .. } => Ok(filters.lzma2(&options(settings)?)),
                Filter::Delta { distance_less_one } => filters.delta_properties(&[*distance_less_one]),
                Filter::Branches { id, start_offset } => add_branches(&mut filters, *id, *start_offset),
            }
            .map_err(|error| CodecError::config(NAME, format!("`filters`: {error}")))?;
        }
        Ok(filters)
    }
}

fn add_branches(
    filters: &mut Filters,
    id: i64,
    start_offset: u32,
) -> std::result::Result<&mut Filters, Error> {
    let properties = start_offset.to_le_bytes();
    match id {
        4 => filters.x86_properties(&properties),
        5 => filters.powerpc_properties(&properties),
        6 => filters.ia64_properties(&properties),
        7 => filters.arm_properties(&properties),
        8 => filters.arm_thumb_properties(&properties),
        _ => filters.sparc_properties(&properties),
    }
}

impl Filter {
    fn from_json(members: &Map<String, Value>) -> Result<Self> {
        let known: &[&str] = match members.get("id").and_then(Value::as_i64) {
            Some(LZMA1 | LZMA2) => &[
                "id",
                "preset",
                "dict_size",
                "lc",
                "lp",
                "pb",
                "mode",
                "nice_len",
                "mf",
                "depth",
            ],
            Some(DELTA) => &["id", "dist"],
            Some(id) if BRANCHES.contains(&id) => &["id", "start_offset"],
            Some(id) => {
                return Err(CodecError::config(
                    NAME,
                    format!("`filters`: `id` {id} is not known"),
                ));
            }
            None => return Err(CodecError::config(NAME, "`filters`: `id` must be an integer")),
        };
        let filter = Configuration::new(NAME, members, known)?;
        let id = filter.integer("id", 0..=i64::MAX, None)?;
        Ok(match id {
            LZMA1 | LZMA2 => Self::Lzma {
                id,
                settings: Settings::from_json(filter)?,
            },
            DELTA => Self::Delta {
                distance_less_one: (filter.integer("dist", 1..=256, Some(1))? - 1) as u8,
            },
            _ => Self::Branches {
                id,
                start_offset: filter.integer("start_offset", 0..=u32::MAX.into(), Some(0))? as u32,
            },
        })
    }
}

impl Settings {
    fn from_json(filter: Configuration<'_>) -> Result<Self> {
        let optional = |name: &str| -> Result<Option<i64>> {
            let is_given = filter.get(name).is_some();
            is_given
                .then(|| filter.integer(name, 0..=u32::MAX.into(), None))
                .transpose()
        };
        Ok(Self {
            preset: filter.encoder_integer("preset", PRESET_DEFAULT.into())?,
            dictionary_size: optional("dict_size")?,
            literal_context_bits: optional("lc")?,
            literal_position_bits: optional("lp")?,
            position_bits: optional("pb")?,
            mode: optional("mode")?,
            nice_length: optional("nice_len")?,
            match_finder: optional("mf")?,
            depth: optional("depth")?,
        })
    }

    /// What decides how data decode: the preset, the bits, and the dictionary where it is given.
    fn common(&self) -> Result<LzmaOptions> {
        let preset = checked_preset("preset", self.preset)?;
        let failed = |_| CodecError::config(NAME, "`preset` of a filter is not supported");
        let mut options = LzmaOptions::new_preset(preset).map_err(failed)?;
        let bits = |name: &str, value: Option<i64>, usual: i64| {
            encoder_setting(NAME, name, value.unwrap_or(usual), 0..=4)
        };
        let context = bits("lc", self.literal_context_bits, 3)?;
        let position = bits("lp", self.literal_position_bits, 0)?;
        if context + position > 4 {
            let reason =
                format!("`lc` and `lp` must not be above 4 together, found {context} and {position}");
            return Err(CodecError::config(NAME, reason));
        }
        options.literal_context_bits(context as u32);
        options.literal_position_bits(position as u32);
        options.position_bits(bits("pb", self.position_bits, 2)? as u32);
        Ok(options)
    }

    /// The settings for a decoder: no match reaches back further than what is decoded, whatever the dictionary.
    fn for_decoder(&self, decoded_size_max: usize) -> Result<LzmaOptions> {
        let mut options = self.common()?;
        let enough = decoded_size_max.clamp(*DICTIONARY.start() as usize, *DICTIONARY.end() as usize);
        options.dict_size(enough as u32);
        Ok(options)
    }

    fn for_encoder(&self) -> Result<LzmaOptions> {
        let mut options = self.common()?;
        if let Some(size) = self.dictionary_size {
            options.dict_size(encoder_setting(NAME, "dict_size", size, DICTIONARY)? as u32);
        }
        if let Some(mode) = self.mode {
            options.mode(match mode {
                1 => Mode::Fast,
                2 => Mode::Normal,
                _ => return Err(unknown("mode", mode)),
            });
        }
        if let Some(length) = self.nice_length {
            options.nice_len(encoder_setting(NAME, "nice_len", length, 2..=273)? as u32);
        }
        if let Some(finder) = self.match_finder {
            options.match_finder(match finder {
                0x03 => MatchFinder::HashChain3,
                0x04 => MatchFinder::HashChain4,
                0x12 => MatchFinder::BinaryTree2,
                0x13 => MatchFinder::BinaryTree3,
                0x14 => MatchFinder::BinaryTree4,
                _ => return Err(unknown("mf", finder)),
            });
        }
        if let Some(depth) = self.depth {
            options.depth(depth as u32);
        }
        Ok(options)
    }
}

fn unknown(member: &str, value: i64) -> CodecError {
    CodecError::config(NAME, format!("`{member}` {value} is not known"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(value: &Value) -> String {
        let chain = FilterChain::from_json(value);
        chain
            .and_then(|chain| chain.for_encoder())
            .err()
            .unwrap()
            .to_string()
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        for (filter, member) in [
            (json!({"preset": 1}), "`id`"),
            (json!({"id": 99}), "`id` 99"),
            (json!({"id": 33, "dist": 1}), "`dist`"),
            (json!({"id": 33, "preset": 11}), "`preset`"),
            (json!({"id": 33, "dict_size": 4095}), "`dict_size`"),
            (json!({"id": 33, "lc": 5}), "`lc`"),
            (json!({"id": 33, "lc": 3, "lp": 2}), "`lp`"),
            (json!({"id": 33, "pb": 5}), "`pb`"),
            (json!({"id": 33, "mode": 3}), "`mode`"),
            (json!({"id": 33, "nice_len": 1}), "`nice_len`"),
            (json!({"id": 33, "mf": 5}), "`mf`"),
            (json!({"id": 33, "depth": -1}), "`depth`"),
            (json!({"id": 3, "dist": 257}), "`dist`"),
            (json!({"id": 4, "start_offset": -1}), "`start_offset`"),
        ] {
            let reason = reason(&json!([filter]));
            assert!(reason.contains(member), "{filter}: {reason}");
        }
        let five = vec![json!({"id": 3}); 5];
        assert!(reason(&five.into()).contains("at most 4"));
        assert!(reason(&json!([7])).contains("objects"));
        assert!(reason(&json!({})).contains("a list"));
    }
}
