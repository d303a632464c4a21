//! Sets of characters, in brackets or by a letter.

use std::fmt::Write;

use super::{PatternFlags, Wrong, escape::Escaped, parser::Reader};

/// The letters that Python takes for one another when case is ignored, and the `regex` crate does not.
const LETTERS_I: [char; 4] = ['I', 'i', '\u{130}', '\u{131}'];

/// What `\d`, `\s` or `\w` stands for between brackets.
const fn members(letter: char, flags: PatternFlags) -> &'static str {
    match (letter.to_ascii_lowercase(), flags.has(PatternFlags::ASCII)) {
        ('d', false) => r"\p{Nd}",
        ('d', true) => "0-9",
        ('s', false) => r"\s\x1c-\x1f",
        ('s', true) => r"\x20\t-\r",
        (_, false) => r"\p{L}\p{N}_",
        (_, true) => "0-9A-Za-z_",
    }
}

/// The set that one of the letters `dDsSwW` names, as the `regex` crate writes it.
pub(super) fn by_letter(letter: char, flags: PatternFlags) -> String {
    let negation = if letter.is_ascii_uppercase() { "^" } else { "" };
    format!("[{negation}{}]", members(letter, flags))
}

/// One character.
pub(super) fn literal(c: char, flags: PatternFlags) -> String {
    if !flags.has(PatternFlags::IGNORECASE) {
        return regex::escape(c.encode_utf8(&mut [0; 4]));
    }
    let mut set = String::new();
    push_range(c, c, flags, &mut set);
    bracketed(&set, false, flags)
}

/// Reads a set whose opening bracket has been read.
pub(super) fn read(reader: &mut Reader, flags: PatternFlags) -> Result<String, Wrong> {
    let opened_at = reader.position() - 1;
    let unterminated = || Wrong::new("unterminated character set", opened_at);
    let is_negated = reader.take('^');
    let mut set = String::new();
    let mut is_first = true;
    loop {
        let start = reader.position();
        let c = reader.next().ok_or_else(unterminated)?;
        if c == ']' && !is_first {
            break;
        }
        is_first = false;
        let low = member(c, reader)?;
        if !reader.take('-') {
            push(low, flags, &mut set);
            continue;
        }
        let c = reader.next().ok_or_else(unterminated)?;
        if c == ']' {
            push(low, flags, &mut set);
            push_range('-', '-', flags, &mut set);
            break;
        }
        match (low, member(c, reader)?) {
            (Escaped::Character(low), Escaped::Character(high)) if low <= high => {
                push_range(low, high, flags, &mut set);
            }
            _ => {
                let range = reader.since(start);
                return Err(Wrong::new(format!("bad character range {range}"), start));
            }
        }
    }
    Ok(bracketed(&set, is_negated, flags))
}

fn member(c: char, reader: &mut Reader) -> Result<Escaped, Wrong> {
    if c == '\\' {
        return reader.escape_in_set();
    }
    Ok(Escaped::Character(c))
}

fn push(member: Escaped, flags: PatternFlags, set: &mut String) {
    match member {
        Escaped::Character(c) => push_range(c, c, flags, set),
        Escaped::Set(letter) if letter.is_ascii_lowercase() => set.push_str(members(letter, flags)),
        Escaped::Set(letter) => set.push_str(&by_letter(letter, flags)),
    }
}

/// Adds characters by their numbers, so that none of them means anything to the `regex` crate.
fn push_range(low: char, high: char, flags: PatternFlags, set: &mut String) {
    let mut add = |low: char, high: char| {
        let written = write!(set, r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high));
        written.expect("a string takes any text");
    };
    add(low, high);
    if !flags.has(PatternFlags::IGNORECASE) {
        return;
    }
    if flags.has(PatternFlags::ASCII) {
        // The crate would find letters outside of ASCII, such as the sign of Kelvin for `k`.
        for (first, last, other) in [('A', 'Z', 'a'), ('a', 'z', 'A')] {
            let (from, to) = (low.max(first) as u8, high.min(last) as u8);
            if low <= last && high >= first {
                let shifted = |c: u8| char::from(c - first as u8 + other as u8);
                add(shifted(from), shifted(to));
            }
        }
    } else if LETTERS_I.iter().any(|c| (low..=high).contains(c)) {
        for c in LETTERS_I {
            add(c, c);
        }
    }
}

fn bracketed(set: &str, is_negated: bool, flags: PatternFlags) -> String {
    let negation = if is_negated { "^" } else { "" };
    if flags.has(PatternFlags::IGNORECASE) && !flags.has(PatternFlags::ASCII) {
        format!("(?i:[{negation}{set}])")
    } else {
        format!("[{negation}{set}]")
    }
}
