//! Reads an expression part by part and writes what each becomes.

use std::collections::HashMap;

use super::{
    PatternFlags, Wrong,
    character_class::{self, literal},
    escape::Escaped,
};

/// How deeply groups may lie in each other.
const DEPTH_MAX: usize = 200;
/// What is missing where letters of flags end without a sign: of those that are set, and of those that are not.
const LETTERS_ON: &str = "missing -, : or )";
const LETTERS_OFF: &str = "missing :";

/// The characters of an expression.
#[derive(Debug)]
pub(super) struct Reader {
    characters: Vec<char>,
    position: usize,
}

impl Reader {
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += 1;
        Some(c)
    }

    /// Passes over a character if it is the next.
    pub(super) fn take(&mut self, c: char) -> bool {
        let is_next = self.peek() == Some(c);
        self.position += usize::from(is_next);
        is_next
    }

    /// What was read since a position.
    pub(super) fn since(&self, start: usize) -> String {
        self.characters[start..self.position].iter().collect()
    }

    /// Reads up to a character and passes over it; `None` if it does not come.
    fn until(&mut self, end: char) -> Option<String> {
        let start = self.position;
        let length = self.characters[start..].iter().position(|c| *c == end)?;
        self.position = start + length + 1;
        Some(self.characters[start..start + length].iter().collect())
    }

    fn digits(&mut self) -> String {
        let start = self.position;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.position += 1;
        }
        self.since(start)
    }
}

/// What an item is to a repeat that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Anchor,
    Repeat,
}

/// A group that is open, or the whole expression.
#[derive(Debug)]
struct Frame {
    opened_at: usize,
    flags: PatternFlags,
    /// The alternatives that are complete, each with a bar behind it.
    branches: String,
    /// The items of the last alternative.
    items: Vec<(String, Kind)>,
}

impl Frame {
    const fn new(opened_at: usize, flags: PatternFlags) -> Self {
        Self {
            opened_at,
            flags,
            branches: String::new(),
            items: Vec::new(),
        }
    }

    fn end_branch(&mut self) {
        for (item, _) in self.items.drain(..) {
            self.branches.push_str(&item);
        }
    }
}

/// Writes an expression of Python in the syntax of the `regex` crate.
pub(super) fn translate(text: &str, flags: PatternFlags) -> Result<String, Wrong> {
    let reader = Reader {
        characters: text.chars().collect(),
        position: 0,
    };
    let mut parser = Parser {
        reader,
        outer: Vec::new(),
        frame: Frame::new(0, flags),
        n_groups: 0,
        names: HashMap::new(),
    };
    while let Some(c) = parser.reader.next() {
        parser.read(c)?;
    }
    if !parser.outer.is_empty() {
        let opened_at = parser.frame.opened_at;
        return Err(Wrong::new("missing ), unterminated subpattern", opened_at));
    }
    parser.frame.end_branch();
    Ok(parser.frame.branches)
}

struct Parser {
    reader: Reader,
    /// The groups around the one that is read.
    outer: Vec<Frame>,
    frame: Frame,
    /// The groups that count, and the names of those that have one.
    n_groups: usize,
    names: HashMap<String, usize>,
}

impl Parser {
    const fn has(&self, flag: PatternFlags) -> bool {
        self.frame.flags.has(flag)
    }

    fn push(&mut self, item: impl Into<String>) {
        self.frame.items.push((item.into(), Kind::Plain));
    }

    fn push_anchor(&mut self, item: &str) {
        self.frame.items.push((item.to_owned(), Kind::Anchor));
    }

    /// Reads what begins with a character that has been read.
    fn read(&mut self, c: char) -> Result<(), Wrong> {
        let flags = self.frame.flags;
        match c {
            ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' if self.has(PatternFlags::VERBOSE) => {}
            '#' if self.has(PatternFlags::VERBOSE) => {
                if self.reader.until('\n').is_none() {
                    self.reader.position = self.reader.characters.len();
                }
            }
            '|' => {
                self.frame.end_branch();
                self.frame.branches.push('|');
            }
            '(' => self.open()?,
            ')' => self.close()?,
            '[' => {
                let set = character_class::read(&mut self.reader, flags)?;
                self.push(set);
            }
            '.' if self.has(PatternFlags::DOTALL) => self.push("(?s:.)"),
            '.' => self.push("."),
            '^' if self.has(PatternFlags::MULTILINE) => self.push_anchor("(?m:^)"),
            '^' => self.push_anchor(r"\A"),
            '$' if self.has(PatternFlags::MULTILINE) => self.push_anchor("(?m:$)"),
            '$' => self.push_anchor(r"\z"),
            '\\' => self.escape()?,
            '*' => self.repeat(self.reader.position - 1, "*")?,
            '+' => self.repeat(self.reader.position - 1, "+")?,
            '?' => self.repeat(self.reader.position - 1, "?")?,
            '{' => self.brace()?,
            c => self.push(literal(c, flags)),
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Wrong> {
        let start = self.reader.position - 1;
        let is_ascii = self.has(PatternFlags::ASCII);
        let anchor = match self.reader.peek() {
            Some('A') => r"\A",
            Some('Z') => r"\z",
            Some('b') if is_ascii => r"(?-u:\b)",
            Some('b') => r"\b",
            Some('B') if is_ascii => r"(?-u:\B)",
            Some('B') => r"\B",
            Some('0'..='9') => return self.number(start),
            _ => {
                let flags = self.frame.flags;
                let item = match self.reader.escape(start)? {
                    Escaped::Character(c) => literal(c, flags),
                    Escaped::Set(letter) => character_class::by_letter(letter, flags),
                };
                self.push(item);
                return Ok(());
            }
        };
        self.reader.next();
        self.push_anchor(anchor);
        Ok(())
    }

    /// Reads digits behind a backslash: three octal ones or those that begin with 0 are a character.
    fn number(&mut self, start: usize) -> Result<(), Wrong> {
        let ahead = &self.reader.characters[self.reader.position..];
        let is_octal = |n: usize| ahead.get(n).is_some_and(|c| c.is_digit(8));
        if ahead[0] == '0' || (0..3).all(is_octal) {
            let c = self.reader.octal(start)?;
            self.push(literal(c, self.frame.flags));
            return Ok(());
        }
        let n_digits = 1 + usize::from(ahead.get(1).is_some_and(char::is_ascii_digit));
        self.reader.position += n_digits;
        let escape = self.reader.since(start);
        Err(Wrong::unsupported(&format!("back-reference {escape}"), start))
    }

    /// Reads a repeat in braces, whose opening one has been read, or takes the brace for itself.
    fn brace(&mut self) -> Result<(), Wrong> {
        let start = self.reader.position - 1;
        let low = self.reader.digits();
        let has_comma = self.reader.take(',');
        let high = if has_comma {
            self.reader.digits()
        } else {
            low.clone()
        };
        if (low.is_empty() && !has_comma) || !self.reader.take('}') {
            self.reader.position = start + 1;
            self.push(literal('{', self.frame.flags));
            return Ok(());
        }
        let number = |digits: &str| match digits {
            "" => Ok(None),
            // The largest number that stands for no end in Python.
            digits => match digits.parse::<u32>() {
                Ok(n) if n < u32::MAX => Ok(Some(n)),
                _ => Err(Wrong {
                    reason: "the repetition number is too large".to_owned(),
                    position: None,
                }),
            },
        };
        let (low, high) = (number(&low)?.unwrap_or(0), number(&high)?);
        if high.is_some_and(|high| high < low) {
            return Err(Wrong::new("min repeat greater than max repeat", start + 1));
        }
        let high = high.map_or_else(String::new, |high| high.to_string());
        self.repeat(start, &format!("{{{low},{high}}}"))
    }

    /// Repeats the last item, as the signs from `start` on say.
    fn repeat(&mut self, start: usize, signs: &str) -> Result<(), Wrong> {
        let (item, kind) = match self.frame.items.pop() {
            None | Some((_, Kind::Anchor)) => return Err(Wrong::new("nothing to repeat", start)),
            Some((_, Kind::Repeat)) => return Err(Wrong::new("multiple repeat", start)),
            Some((item, Kind::Plain)) => (item, Kind::Repeat),
        };
        let lazy = if self.reader.take('?') { "?" } else { "" };
        if lazy.is_empty() && self.reader.take('+') {
            let repeat = self.reader.since(start);
            return Err(Wrong::unsupported(&format!("possessive repeat {repeat}"), start));
        }
        self.frame.items.push((format!("{item}{signs}{lazy}"), kind));
        Ok(())
    }

    /// Begins a group, whose parenthesis has been read.
    fn open(&mut self) -> Result<(), Wrong> {
        let start = self.reader.position - 1;
        if !self.reader.take('?') {
            self.n_groups += 1;
            return self.nest(start, self.frame.flags);
        }
        let end = || Wrong::new("unexpected end of pattern", start + 2);
        match self.reader.next().ok_or_else(end)? {
            ':' => self.nest(start, self.frame.flags),
            'P' => self.named(start),
            '#' => {
                let comment = self.reader.until(')');
                comment
                    .map(|_| ())
                    .ok_or_else(|| Wrong::new("missing ), unterminated comment", start))
            }
            '=' => Err(Wrong::unsupported("look-ahead (?=...)", start)),
            '!' => Err(Wrong::unsupported("look-ahead (?!...)", start)),
            '>' => Err(Wrong::unsupported("atomic group (?>...)", start)),
            '(' => Err(Wrong::unsupported("condition (?(...)...)", start)),
            '<' => {
                let c = self.reader.next();
                let c = c.ok_or_else(|| Wrong::new("unexpected end of pattern", start + 3))?;
                Err(match c {
                    '=' | '!' => Wrong::unsupported(&format!("look-behind (?<{c}...)"), start),
                    c => Wrong::new(format!("unknown extension ?<{c}"), start + 1),
                })
            }
            c if c == '-' || PatternFlags::of_letter(c).is_some() => self.flags(start, c),
            c => Err(Wrong::new(format!("unknown extension ?{c}"), start + 1)),
        }
    }

    fn nest(&mut self, opened_at: usize, flags: PatternFlags) -> Result<(), Wrong> {
        if self.outer.len() == DEPTH_MAX {
            let reason = format!("groups lie in each other more than {DEPTH_MAX} times");
            return Err(Wrong::new(reason, opened_at));
        }
        let inner = Frame::new(opened_at, flags);
        self.outer.push(std::mem::replace(&mut self.frame, inner));
        Ok(())
    }

    fn close(&mut self) -> Result<(), Wrong> {
        let Some(outer) = self.outer.pop() else {
            return Err(Wrong::new("unbalanced parenthesis", self.reader.position - 1));
        };
        let mut inner = std::mem::replace(&mut self.frame, outer);
        inner.end_branch();
        self.push(format!("(?:{})", inner.branches));
        Ok(())
    }

    /// Reads `(?P<name>` or what else begins with `(?P`, which has been read.
    fn named(&mut self, start: usize) -> Result<(), Wrong> {
        match self.reader.next() {
            Some('=') => Err(Wrong::unsupported("back-reference (?P=...)", start)),
            Some('<') => {
                let at = self.reader.position;
                let name = self.reader.until('>');
                let is_at_end = self.reader.peek().is_none();
                let name = match name {
                    Some(name) => name,
                    None if is_at_end => String::new(),
                    None => return Err(Wrong::new("missing >, unterminated name", at)),
                };
                if name.is_empty() {
                    return Err(Wrong::new("missing group name", at));
                }
                let is_letter = |c: char| c == '_' || c.is_alphabetic();
                let is_name = |name: &str| name.chars().all(|c| is_letter(c) || c.is_numeric());
                if !name.starts_with(is_letter) || !is_name(&name) {
                    return Err(Wrong::new(format!("bad character in group name '{name}'"), at));
                }
                self.n_groups += 1;
                let number = self.n_groups;
                if let Some(first) = self.names.get(&name) {
                    let again = format!("'{name}' as group {number}; was group {first}");
                    return Err(Wrong::new(format!("redefinition of group name {again}"), at));
                }
                self.names.insert(name, number);
                self.nest(start, self.frame.flags)
            }
            Some(c) => Err(Wrong::new(format!("unknown extension ?P{c}"), start + 1)),
            None => Err(Wrong::new("unexpected end of pattern", start + 3)),
        }
    }

    /// Reads flags for the whole expression, `(?i)`, or for a group, `(?i-s:...)`, whose first sign has been read.
    fn flags(&mut self, start: usize, first: char) -> Result<(), Wrong> {
        let mut sign = first;
        let (mut on, mut off) = (PatternFlags::default(), PatternFlags::default());
        if first != '-' {
            sign = self.letters(first, &mut on, LETTERS_ON)?;
        }
        if sign == ')' {
            return self.whole(start, on);
        }
        if sign == '-' {
            let Some(letter) = self.reader.next() else {
                return Err(Wrong::new("missing flag", self.reader.position));
            };
            let at = self.reader.position - 1;
            if PatternFlags::of_letter(letter).is_none() {
                let reason = if letter.is_alphabetic() {
                    "unknown flag"
                } else {
                    "missing flag"
                };
                return Err(Wrong::new(reason, at));
            }
            sign = self.letters(letter, &mut off, LETTERS_OFF)?;
        }
        if sign != ':' {
            return Err(Wrong::new("missing :", self.reader.position - 1));
        }
        if on.has(off) {
            let reason = "bad inline flags: flag turned on and off";
            return Err(Wrong::new(reason, self.reader.position - 1));
        }
        let mut flags = self.frame.flags;
        if on.has(PatternFlags::alphabet()) {
            flags = flags.without(PatternFlags::alphabet());
        }
        self.nest(start, (flags | on).without(off))
    }

    /// Reads letters of flags up to a sign, which it returns.
    fn letters(&mut self, first: char, flags: &mut PatternFlags, end: &str) -> Result<char, Wrong> {
        let mut letter = first;
        loop {
            let at = self.reader.position;
            let Some(flag) = PatternFlags::of_letter(letter) else {
                let reason = if letter.is_alphabetic() {
                    "unknown flag"
                } else {
                    end
                };
                return Err(Wrong::new(reason, at - 1));
            };
            if end == LETTERS_OFF && flag.has(PatternFlags::alphabet()) {
                let reason = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                return Err(Wrong::new(reason, at));
            }
            if flag.is_locale() {
                let reason = "bad inline flags: cannot use 'L' flag with a str pattern";
                return Err(Wrong::new(reason, at));
            }
            *flags = *flags | flag;
            if flags.has(PatternFlags::ASCII) && flags.has(PatternFlags::UNICODE) {
                let reason = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
                return Err(Wrong::new(reason, at));
            }
            let next = self.reader.next().ok_or_else(|| Wrong::new(end, at))?;
            if matches!(next, ')' | ':' | '-') {
                return Ok(next);
            }
            letter = next;
        }
    }

    /// Sets flags for the whole expression.
    fn whole(&mut self, start: usize, on: PatternFlags) -> Result<(), Wrong> {
        let is_first = self.outer.is_empty() && self.frame.branches.is_empty() && self.frame.items.is_empty();
        if !is_first {
            return Err(Wrong::new(
                "global flags not at the start of the expression",
                start,
            ));
        }
        self.frame.flags = self.frame.flags | on;
        if self.has(PatternFlags::ASCII) && self.has(PatternFlags::UNICODE) {
            return Err(Wrong {
                reason: "ASCII and UNICODE flags are incompatible".to_owned(),
                position: None,
            });
        }
        Ok(())
    }
}
