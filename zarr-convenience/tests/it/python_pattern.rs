//! Regular expressions: what Python's `re` finds is found, and what it refuses is refused in its words.

use serde_json::Value;
use zarr_convenience::{Error, PatternFlags, pattern};

/// What Python found, as `testdata/python_patterns/make_patterns.py` recorded it.
fn recorded() -> Value {
    let text = include_str!("../../../testdata/python_patterns/patterns.json");
    serde_json::from_str(text).unwrap()
}

fn built(case: &Value) -> Result<regex::Regex, Error> {
    let flags = case["flags"].as_u64().unwrap_or(0);
    pattern(
        case["pattern"].as_str().unwrap(),
        PatternFlags::from_bits(flags as u32)?,
    )
}

/// What the documentation says is or is no part of a word: to `\b` of the `regex` crate, but not of Python, or the reverse.
const OTHER_WORDS: [char; 4] = ['\u{301}', '\u{203f}', '²', '½'];

#[test]
fn python_finds_the_same_and_refuses_the_same() {
    let recorded = recorded();
    let texts: Vec<_> = recorded["texts"].as_array().unwrap().iter().collect();
    let texts: Vec<_> = texts.into_iter().map(|text| text.as_str().unwrap()).collect();
    let is_other = |n: &usize| texts[*n].contains(OTHER_WORDS);
    let mut wrong = Vec::new();
    let mut n_found = 0;
    for case in recorded["cases"].as_array().unwrap() {
        let expected = match (&case["unsupported"], &case["error"]) {
            (Value::String(what), _) => format!("{what} is not supported"),
            (_, Value::String(error)) => error.clone(),
            _ => String::new(),
        };
        match built(case) {
            Ok(pattern) => {
                let of_words = [r"\b", r"\B"].iter().any(|word| pattern.as_str().contains(word));
                let recorded = case["found"].as_array().into_iter().flatten();
                let mut recorded: Vec<_> = recorded.map(|n| n.as_u64().unwrap() as usize).collect();
                recorded.retain(|n| !of_words || !is_other(n));
                let found = (0..texts.len()).filter(|n| pattern.is_match(texts[*n]));
                let found: Vec<_> = found.filter(|n| !of_words || !is_other(n)).collect();
                n_found += found.len();
                if !expected.is_empty() || recorded != found {
                    wrong.push(format!("{case}: found {found:?} by {pattern}"));
                }
            }
            Err(error) if !expected.is_empty() && error.to_string().contains(&expected) => {}
            Err(error) => wrong.push(format!("{case}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_found > 1000, "{n_found}");
}

#[test]
fn expressions_that_would_take_much_memory_or_stack_are_refused() {
    let refused = |text: &str| pattern(text, PatternFlags::default()).unwrap_err().to_string();
    assert!(
        refused(&"(".repeat(100_000))
            .ends_with("groups lie in each other more than 200 times at position 200")
    );
    assert!(refused(r"(\w{500}){500}").contains("exceeds size limit"));
    let deep = "(".repeat(200) + "a" + &")*".repeat(200);
    assert!(pattern(&deep, PatternFlags::default()).unwrap().is_match("a"));
}

#[test]
fn flags_are_those_of_python() {
    for bits in [0, 2, 8, 16, 32, 64, 256, 2 | 8 | 16 | 64] {
        PatternFlags::from_bits(bits).unwrap();
    }
    for (bits, reason) in [
        (4, "cannot use LOCALE flag with a str pattern"),
        (32 | 256, "ASCII and UNICODE flags are incompatible"),
        (1 << 20, "flags 1048576 are not a sum of flags of Python's re"),
    ] {
        let error = PatternFlags::from_bits(bits).unwrap_err();
        assert_eq!(error.to_string(), format!("regular expression: {reason}"));
    }
}
