//! Sections of a page that are written anew, between two marks; what else is in it stays.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

/// Puts a text between the marks of a name in a page; a page or section that is not there yet is added.
pub(super) fn write(path: &Path, name: &str, text: &str) -> Result<()> {
    let page = if path.exists() {
        fs::read_to_string(path)?
    } else {
        "# Benchmarks\n".to_owned()
    };
    let page = replaced(&page, name, text).with_context(|| path.display().to_string())?;
    fs::write(path, page).with_context(|| format!("writing {}", path.display()))
}

fn replaced(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
    let section = format!("{begin}\n\n{}\n\n{end}", text.trim());
    let Some(start) = page.find(&begin) else {
        ensure!(!page.contains(&end), "{end} comes without {begin}");
        return Ok(format!("{}\n\n{section}\n", page.trim_end()));
    };
    let length = page[start..]
        .find(&end)
        .with_context(|| format!("{begin} comes without {end}"))?;
    let rest = &page[start + length + end.len()..];
    Ok(format!("{}{section}{rest}", &page[..start]))
}

/// A table; of the columns, the first so many are texts and the others numbers.
pub(super) fn table(head: &[&str], n_texts: usize, rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rule = (0..head.len()).map(|at| if at < n_texts { "---" } else { "---:" }.to_owned());
    let mut text = line(&head) + &format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    for row in rows {
        text.push_str(&line(row));
    }
    text
}

/// Seconds in three digits, with a unit.
pub(super) fn seconds(value: f64) -> String {
    if value >= 0.9995 {
        format!("{} s", digits(value))
    } else {
        format!("{} ms", digits(value * 1e3))
    }
}

/// Bytes in MiB.
pub(super) fn mebibytes(value: f64) -> String {
    format!("{:.0} MiB", value / f64::from(1 << 20))
}

/// Three digits, or those before the point.
pub(super) fn digits(value: f64) -> String {
    if value >= 99.95 {
        format!("{value:.0}")
    } else if value >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_rest_stays() {
        let page = "# Title\n\nbefore\n";
        let once = replaced(page, "x", "one\n").unwrap();
        assert_eq!(
            once,
            "# Title\n\nbefore\n\n<!-- begin x -->\n\none\n\n<!-- end x -->\n"
        );
        let after = format!("{once}\n## After\n");
        let twice = replaced(&after, "x", "two").unwrap();
        assert_eq!(twice, after.replace("one", "two"));
        let other = replaced(&twice, "y", "three").unwrap();
        assert!(other.starts_with(twice.trim_end()) && other.ends_with("three\n\n<!-- end y -->\n"));
    }

    #[test]
    fn half_a_pair_of_marks_is_an_error() {
        assert!(replaced("<!-- begin x -->", "x", "").is_err());
        assert!(replaced("<!-- end x -->", "x", "").is_err());
    }

    #[test]
    fn tables_align_numbers_to_the_right() {
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(
            table(&["what", "n"], 1, &rows),
            "| what | n |\n|---|---:|\n| a | 1 |\n"
        );
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(
            [0.001_234, 0.0456, 0.9996, 12.34, 123.4].map(seconds),
            ["1.23 ms", "45.6 ms", "1.00 s", "12.3 s", "123 s"]
        );
        assert_eq!(mebibytes(3.4 * 1_048_576.0), "3 MiB");
    }
}
