//! `fixedscaleoffset`: elements less an offset, scaled and rounded (numcodecs `FixedScaleOffset`).
//!
//! ```text
//! encoded = round((x - offset) * scale)        decoded = x / scale + offset
//! ```
//!
//! As in `NumPy`, whose two numbers here are Python's, floats keep their precision, integers stay such with
//! whole numbers and become double with others, and division makes them double; of two whole numbers the even
//! one is nearest.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
    numeric::{
        Arithmetic, BLOCK, Filter, Float, Kernel, Kind, NUMBER_SIZE_MAX, Number, Types, cast_numbers,
        kind_of, require, stored_type, with_number, with_types,
    },
};

const NAME: &str = "fixedscaleoffset";

#[derive(Debug, Clone)]
struct FixedScaleOffset {
    offset: Scalar,
    scale: Scalar,
}

/// A number of Python's.
#[derive(Debug, Clone, Copy)]
enum Scalar {
    Int(i128),
    Float(f64),
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["offset", "scale", "dtype", "astype"])?;
    let decoded = stored_type(&configuration, "dtype")?;
    let encoded = stored_type(&configuration, "astype")?;
    for stored in decoded.iter().chain(&encoded) {
        kind_of(NAME, &stored.data_type)?;
    }
    Ok(Codec::ArrayToArray(Arc::new(Filter {
        kernel: FixedScaleOffset {
            offset: Scalar::read(&configuration, "offset")?,
            scale: Scalar::read(&configuration, "scale")?,
        },
        decoded,
        encoded,
    })))
}

impl Scalar {
    fn read(configuration: &Configuration<'_>, name: &str) -> Result<Self> {
        match configuration.get(name) {
            Some(Value::Bool(value)) => Ok(Self::Int(i128::from(*value))),
            Some(Value::Number(number)) => Ok(match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value.into()),
                (_, Some(value)) => Self::Int(value.into()),
                _ => Self::Float(
                    number
                        .as_f64()
                        .ok_or_else(|| configuration.error(name, "is too large"))?,
                ),
            }),
            Some(Value::String(text)) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => {
                Ok(Self::Float(text.parse().unwrap_or(f64::NAN)))
            }
            Some(_) => Err(configuration.error(name, "must be a number")),
            None => Err(configuration.error(name, "is missing")),
        }
    }

    const fn to_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// The kind of what an operation of such numbers and this one makes.
    const fn promotes(self, kind: Kind) -> Kind {
        match (kind, self) {
            (Kind::Bool, Self::Int(_)) => Kind::Int64,
            (kind, Self::Float(_)) if kind.is_integer() || matches!(kind, Kind::Bool) => Kind::Float64,
            (kind, _) => kind,
        }
    }
}

/// The steps of the filter.
#[derive(Debug, Clone, Copy)]
enum Step {
    Sub,
    Mul,
    Round,
    Div,
    Add,
}

impl Step {
    fn apply(self, kind: Kind, scalar: Scalar, elements: &mut [u8]) -> Result<()> {
        if let (Scalar::Int(value), true) = (scalar, kind.is_integer()) {
            let reason = || CodecError::mismatch(NAME, format!("{value} does not fit elements of {kind:?}"));
            with_number!(integers kind, N => {
                let value = N::try_from(value).map_err(|_| reason())?;
                self.each(value, elements);
            }, else => {});
            return Ok(());
        }
        with_number!(inexact kind, N => self.each(N::of_f64(scalar.to_f64()), elements), else => {});
        Ok(())
    }

    fn each<N: Arithmetic>(self, scalar: N, elements: &mut [u8]) {
        match self {
            Self::Sub => change(elements, |x: N| x.sub(scalar)),
            Self::Mul => change(elements, |x: N| x.mul(scalar)),
            Self::Round => change(elements, |x: N| x.round()),
            Self::Div => change(elements, |x: N| x.div(scalar)),
            Self::Add => change(elements, |x: N| x.add(scalar)),
        }
    }
}

fn change<N: Number>(elements: &mut [u8], with: impl Fn(N) -> N) {
    for element in elements.chunks_exact_mut(N::SIZE) {
        with(N::load(element)).store(element);
    }
}

/// Casts elements to the kinds of the steps one after the other, and what came of it to the last kind.
fn calculate(from: (&[u8], Kind), steps: &[(Step, Scalar, Kind)], to: (&mut [u8], Kind)) -> Result<()> {
    let (mut one, mut other) = ([0; BLOCK * NUMBER_SIZE_MAX], [0; BLOCK * NUMBER_SIZE_MAX]);
    let ((from, from_kind), (to, to_kind)) = (from, to);
    let blocks = from.chunks(BLOCK * from_kind.size());
    for (from, to) in blocks.zip(to.chunks_mut(BLOCK * to_kind.size())) {
        let count = from.len() / from_kind.size();
        let (mut now, mut kind) = (&mut one, from_kind);
        let mut then = &mut other;
        now[..from.len()].copy_from_slice(from);
        for &(step, scalar, next) in steps {
            if next != kind {
                cast_numbers(kind, next)(&now[..count * kind.size()], &mut then[..count * next.size()]);
                (now, then, kind) = (then, now, next);
            }
            step.apply(kind, scalar, &mut now[..count * kind.size()])?;
        }
        cast_numbers(kind, to_kind)(&now[..count * kind.size()], to);
    }
    Ok(())
}

impl Kernel for FixedScaleOffset {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = true;

    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let (from, to) = (kind_of(NAME, types.decoded)?, kind_of(NAME, types.encoded)?);
        let first = self.offset.promotes(from);
        let second = self.scale.promotes(first);
        let steps = [
            (Step::Sub, self.offset, first),
            (Step::Mul, self.scale, second),
            (Step::Round, Scalar::Int(0), second),
        ];
        calculate((decoded, from), &steps, (out, to))
    }

    fn decode(&self, types: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let (from, to) = (kind_of(NAME, types.encoded)?, kind_of(NAME, types.decoded)?);
        let is_exact = from.is_integer() || from == Kind::Bool;
        let quotients = if is_exact { Kind::Float64 } else { from };
        let steps = [
            (Step::Div, self.scale, quotients),
            (Step::Add, self.offset, quotients),
        ];
        calculate((encoded, from), &steps, (out, to))
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.fixedscaleoffset",
    aliases: &[NAME],
    v2: Some(V2Codec {
        id: NAME,
        from_v2: |members, _| require(NAME, members, &["offset", "scale", "dtype"]),
        to_v2: |members| with_types(members, Some("astype")),
    }),
    kind: CodecKind::ArrayToArray,
    doc: "elements shifted, scaled and rounded",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::DataType;
    use crate::testing::{check_codec, check_lossy_codec, spec};

    #[test]
    fn chunks_come_back() {
        let configuration = json!({"offset": -3, "scale": 1, "dtype": "<i4", "astype": ">f8"});
        check_codec(NAME, configuration, &spec(&[700], DataType::Int32));
        let configuration = json!({"offset": 0.5, "scale": 2, "dtype": "|u1", "astype": "<i2"});
        check_codec(NAME, configuration, &spec(&[33], DataType::UInt8));
        let configuration = json!({"offset": 0, "scale": 1, "dtype": "<f8", "astype": "<i2"});
        check_lossy_codec(NAME, configuration, &spec(&[33], DataType::Float64));
    }

    /// From numcodecs: `OverflowError`.
    #[test]
    fn whole_numbers_that_do_not_fit_cannot_be_encoded() {
        for (offset, dtype) in [(1000_i64, "|i1"), (-1, "<u4"), (1 << 40, "<i4")] {
            let configuration = json!({"offset": offset, "scale": 1, "dtype": dtype});
            let built = build(configuration.as_object().unwrap(), &CodecRegistry::default());
            let Codec::ArrayToArray(codec) = built.unwrap() else {
                unreachable!("a codec of arrays")
            };
            let stored = codec.viewed_as().unwrap();
            let spec = spec(&[1], stored.data_type.clone());
            let size = stored.data_type.size().unwrap();
            let mut out = Vec::new();
            assert!(
                codec.encode(&vec![0; size], &spec, &mut out).is_err(),
                "{configuration}"
            );
            out.clear();
            codec.decode(&vec![0; size], &spec, &mut out).unwrap();
        }
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for configuration in [
            json!({"scale": 1, "dtype": "<f4"}),
            json!({"offset": 1, "dtype": "<f4"}),
            json!({"offset": "0", "scale": 1, "dtype": "<f4"}),
            json!({"offset": null, "scale": 1, "dtype": "<f4"}),
            json!({"offset": 0, "scale": 1, "dtype": "|S4"}),
            json!({"offset": 0, "scale": 1, "dtype": "|O"}),
        ] {
            let result = build(configuration.as_object().unwrap(), &CodecRegistry::default());
            assert!(
                matches!(result, Err(CodecError::Config { .. })),
                "{configuration}"
            );
        }
    }
}
