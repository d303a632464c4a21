//! What shells and `man` read.

use crate::place::Place;

#[test]
fn scripts_complete_verbs_and_options() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.done(&format!("completions {shell}"));
        for word in ["copy-all", "if-exists", "requests", "completions"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    assert_eq!(place.run("completions tcsh").status, 2);
}

#[test]
fn every_verb_has_a_manual_page_with_its_options_and_an_example() {
    let place = Place::new();
    assert_eq!(place.done("man pages/man1"), "");
    let mut names: Vec<_> = place.files().into_keys().collect();
    names.retain(|name| name.is_file());
    let page = |name: &str| place.text(&format!("pages/man1/{name}")).replace('\\', "");
    assert!(page("zarr.1").contains("zarr-copy-all(1)"));
    assert!(
        page("zarr-copy-all.1").contains("--if-exists")
            && page("zarr-copy-all.1").contains("--requests")
            && page("zarr-copy-all.1").contains("Example: zarr copy-all")
    );
    assert!(
        names.len() > 15
            && names
                .iter()
                .all(|name| name.extension().is_some_and(|ending| ending == "1")),
        "{names:?}"
    );
    let listed: serde_json::Value = serde_json::from_str(&place.done("man pages/man1 --json")).unwrap();
    assert_eq!(listed["files"].as_array().unwrap().len(), names.len());
}
