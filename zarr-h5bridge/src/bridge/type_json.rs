//! Data types of HDF5 as JSON, for what Zarr has no words for.
//!
//! Numbers are texts as `NumPy` has them, all else objects of one member:
//!
//! | JSON | type |
//! | --- | --- |
//! | `"<i4"`, `">f8"`, `"<c16"`, `"bool"` | numbers |
//! | `{"bits": "<u2"}` | a bit field |
//! | `{"text": {"size": 5, "padding": "space", "charset": "ascii"}}` | text of a fixed length; without `size` and `padding` of any |
//! | `{"enum": {"base": "<i2", "names": [["RED", 0]]}}` | an enumeration |
//! | `{"compound": {"size": 12, "fields": [["a", 0, "<i4"]]}}` | a compound: name, offset and type of each field |
//! | `{"array": {"shape": [2, 3], "of": "<i4"}}` | an array in each element |
//! | `{"sequence": "<i4"}` | a sequence of any length |
//! | `{"opaque": {"size": 8, "tag": "..."}}` | bytes |
//! | `{"reference": "object"}`, `"region"` | a reference |
//! | `{"time": "<8"}` | a time |
//! | `{"number": {"size": 2, "order": "<", "precision": 16, "offset": 0, ...}}` | any other number |

use serde_json::{Value, json};

use super::values::{integer, integer_bytes};
use crate::hdf5::{
    Charset, Datatype, EnumMember, Field, FloatForm, Name, Norm, NumberForm, NumberKind, ReferenceKind,
    StringPadding,
};

/// How deep types may nest.
const DEPTH_MAX: usize = 32;

const fn sign(big_endian: bool) -> char {
    if big_endian { '>' } else { '<' }
}

/// The type as JSON; `None` if JSON has no form for it, as for names that are not UTF-8.
pub(super) fn to_json(datatype: &Datatype) -> Option<Value> {
    Some(match datatype {
        Datatype::Integer {
            size,
            signed,
            big_endian,
        } => {
            let kind = if *signed { 'i' } else { 'u' };
            json!(format!("{}{kind}{size}", sign(*big_endian)))
        }
        Datatype::Float { size, big_endian } => json!(format!("{}f{size}", sign(*big_endian))),
        Datatype::Complex {
            part_size,
            big_endian,
        } => json!(format!("{}c{}", sign(*big_endian), 2 * part_size)),
        Datatype::Bool => json!("bool"),
        Datatype::Bitfield { size, big_endian } => json!({"bits": format!("{}u{size}", sign(*big_endian))}),
        Datatype::FixedString {
            size,
            padding,
            charset,
        } => {
            let padding = match padding {
                StringPadding::NullTerminated => "terminated",
                StringPadding::NullPadded => "null",
                StringPadding::SpacePadded => "space",
            };
            json!({"text": {"size": size, "padding": padding, "charset": charset_text(*charset)}})
        }
        Datatype::VlenString { charset } => json!({"text": {"charset": charset_text(*charset)}}),
        Datatype::Enum { base, members } => {
            let name =
                |member: &EnumMember| Some(json!([member.name.to_str()?, integer(base, &member.value)?]));
            let names: Option<Vec<_>> = members.iter().map(name).collect();
            json!({"enum": {"base": to_json(base)?, "names": names?}})
        }
        Datatype::Compound { size, fields } => {
            let field = |field: &Field| {
                Some(json!([
                    field.name.to_str()?,
                    field.offset,
                    to_json(&field.datatype)?
                ]))
            };
            let fields: Option<Vec<_>> = fields.iter().map(field).collect();
            json!({"compound": {"size": size, "fields": fields?}})
        }
        Datatype::Array { dims, element } => json!({"array": {"shape": dims, "of": to_json(element)?}}),
        Datatype::VlenSequence { element } => json!({"sequence": to_json(element)?}),
        Datatype::Opaque { size, tag } => json!({"opaque": {"size": size, "tag": tag}}),
        Datatype::Reference { kind, .. } => match kind {
            ReferenceKind::Object => json!({"reference": "object"}),
            ReferenceKind::Region => json!({"reference": "region"}),
            ReferenceKind::General => return None,
        },
        Datatype::Time { size, big_endian } => json!({"time": format!("{}{size}", sign(*big_endian))}),
        Datatype::Other {
            size,
            form: Some(form),
            ..
        } => json!({"number": number_json(*size, form)}),
        Datatype::Other { .. } => return None,
    })
}

const fn charset_text(charset: Charset) -> &'static str {
    match charset {
        Charset::Ascii => "ascii",
        Charset::Utf8 => "utf-8",
    }
}

fn number_json(size: usize, form: &NumberForm) -> Value {
    let mut number = json!({
        "size": size,
        "order": sign(form.big_endian).to_string(),
        "precision": form.precision,
        "offset": form.offset,
    });
    match form.kind {
        NumberKind::Integer { signed } => number["signed"] = signed.into(),
        NumberKind::Bits => {}
        NumberKind::Float(float) => number["float"] = float_json(&float),
    }
    number
}

fn float_json(form: &FloatForm) -> Value {
    json!({
        "sign": form.sign,
        "exponent": [form.exponent, form.exponent_bits],
        "mantissa": [form.mantissa, form.mantissa_bits],
        "bias": form.bias,
        "norm": match form.norm {
            Norm::Implied => "implied",
            Norm::Set => "set",
            Norm::Unknown => "unknown",
        },
    })
}

/// The type that JSON stands for; `None` if it is none.
pub(super) fn from_json(value: &Value) -> Option<Datatype> {
    read(value, 0)
}

fn size_of(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

fn read(value: &Value, depth: usize) -> Option<Datatype> {
    if depth > DEPTH_MAX {
        return None;
    }
    if let Some(text) = value.as_str() {
        return number(text);
    }
    let members = value.as_object()?;
    let (kind, value) = members.iter().next().filter(|_| members.len() == 1)?;
    let inner = |value| read(value, depth + 1);
    Some(match kind.as_str() {
        "bits" => match number(value.as_str()?)? {
            Datatype::Integer { size, big_endian, .. } => Datatype::Bitfield { size, big_endian },
            _ => return None,
        },
        "text" => text(value)?,
        "enum" => enumeration(value, inner(value.get("base")?)?)?,
        "compound" => {
            let fields = value.get("fields")?.as_array()?.iter().map(|field| {
                Some(Field {
                    name: Name::from(field.get(0)?.as_str()?),
                    offset: size_of(field.get(1)?)?,
                    datatype: inner(field.get(2)?)?,
                })
            });
            Datatype::Compound {
                size: size_of(value.get("size")?)?,
                fields: fields.collect::<Option<_>>()?,
            }
        }
        "array" => {
            let dims = value.get("shape")?.as_array()?.iter().map(Value::as_u64);
            Datatype::Array {
                dims: dims.collect::<Option<_>>()?,
                element: Box::new(inner(value.get("of")?)?),
            }
        }
        "sequence" => Datatype::VlenSequence {
            element: Box::new(inner(value)?),
        },
        "opaque" => Datatype::Opaque {
            size: size_of(value.get("size")?).filter(|size| *size > 0)?,
            tag: value.get("tag")?.as_str()?.to_owned(),
        },
        "reference" => {
            let (kind, size) = match value.as_str()? {
                "object" => (ReferenceKind::Object, 8),
                "region" => (ReferenceKind::Region, 12),
                _ => return None,
            };
            Datatype::Reference { kind, size }
        }
        "time" => {
            let (big_endian, size) = ordered(value.as_str()?)?;
            Datatype::Time {
                size: size.parse().ok().filter(|size| matches!(size, 4 | 8))?,
                big_endian,
            }
        }
        "number" => Datatype::number(size_of(value.get("size")?)?, number_form(value)?),
        _ => return None,
    })
}

fn text(value: &Value) -> Option<Datatype> {
    let charset = match value.get("charset")?.as_str()? {
        "ascii" => Charset::Ascii,
        "utf-8" => Charset::Utf8,
        _ => return None,
    };
    let Some(size) = value.get("size") else {
        return Some(Datatype::VlenString { charset });
    };
    let padding = match value.get("padding")?.as_str()? {
        "terminated" => StringPadding::NullTerminated,
        "null" => StringPadding::NullPadded,
        "space" => StringPadding::SpacePadded,
        _ => return None,
    };
    Some(Datatype::FixedString {
        size: size_of(size).filter(|size| *size > 0)?,
        padding,
        charset,
    })
}

fn enumeration(value: &Value, base: Datatype) -> Option<Datatype> {
    let member = |pair: &Value| {
        Some(EnumMember {
            name: Name::from(pair.get(0)?.as_str()?),
            value: integer_bytes(&base, pair.get(1)?)?,
        })
    };
    let names = value.get("names")?.as_array()?;
    let members = names.iter().map(member).collect::<Option<_>>()?;
    Some(Datatype::Enum {
        base: Box::new(base),
        members,
    })
}

/// The byte order, and what stands behind it.
fn ordered(text: &str) -> Option<(bool, &str)> {
    match text.split_at_checked(1)? {
        ("<", rest) => Some((false, rest)),
        (">", rest) => Some((true, rest)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Datatype> {
    if text == "bool" {
        return Some(Datatype::Bool);
    }
    let (big_endian, rest) = ordered(text)?;
    let (kind, size) = rest.split_at_checked(1)?;
    let size: usize = size.parse().ok().filter(|size| (1..=32).contains(size))?;
    Some(match kind {
        "i" | "u" => Datatype::Integer {
            size,
            signed: kind == "i",
            big_endian,
        },
        "f" => Datatype::Float { size, big_endian },
        "c" => Datatype::Complex {
            part_size: size / 2,
            big_endian,
        },
        _ => return None,
    })
}

fn number_form(value: &Value) -> Option<NumberForm> {
    let size = |name: &str| size_of(value.get(name)?);
    let kind = match (value.get("float"), value.get("signed")) {
        (Some(float), _) => NumberKind::Float(float_form(float)?),
        (None, Some(signed)) => NumberKind::Integer {
            signed: signed.as_bool()?,
        },
        (None, None) => NumberKind::Bits,
    };
    let (big_endian, _) = ordered(value.get("order")?.as_str()?)?;
    Some(NumberForm {
        big_endian,
        precision: size("precision")?,
        offset: size("offset")?,
        kind,
    })
}

fn float_form(value: &Value) -> Option<FloatForm> {
    let at = |name: &str, place: usize| size_of(value.get(name)?.get(place)?);
    Some(FloatForm {
        sign: size_of(value.get("sign")?)?,
        exponent: at("exponent", 0)?,
        exponent_bits: at("exponent", 1)?,
        mantissa: at("mantissa", 0)?,
        mantissa_bits: at("mantissa", 1)?,
        bias: size_of(value.get("bias")?)?,
        norm: match value.get("norm")?.as_str()? {
            "implied" => Norm::Implied,
            "set" => Norm::Set,
            "unknown" => Norm::Unknown,
            _ => return None,
        },
    })
}
