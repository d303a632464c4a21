//! Every rule is given an outcome that is better and others that are wrong, made up for the purpose.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Compared, Copied, RULES, Snapshot, Watch, copied::CopiedArray};
use crate::conformance::transcripts::outcome::{Failure, Outcome};

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("cases.json")).unwrap()
}

fn snapshot(held: &Value) -> Snapshot {
    let held = held.as_object().into_iter().flatten();
    let bytes = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
    held.map(|(key, value)| (key.clone(), bytes(value))).collect()
}

fn copies(list: &Value) -> Vec<Copied> {
    let list = list.as_array().into_iter().flatten();
    let stored = |chunks: &Value| Some(serde_json::from_value(chunks.clone()).unwrap());
    list.map(|node| Copied {
        path: node["path"].as_str().unwrap().to_owned(),
        source: node["source"].as_str().unwrap_or_default().to_owned(),
        attributes: node["attributes"].as_object().cloned().unwrap_or_default(),
        array: node["ndim"].as_u64().map(|ndim| CopiedArray {
            size: node["size"].as_u64().unwrap_or_default(),
            ndim: ndim as usize,
            separator: node["separator"].as_str().and_then(|text| text.chars().next()),
            stored: node.get("stored").and_then(stored),
        }),
        ..Copied::default()
    })
    .collect()
}

fn outcome(result: &Value) -> Outcome {
    if let Some(value) = result.get("ok") {
        return Ok(value.clone());
    }
    let [class, text] = ["class", "text"].map(|name| result[name].as_str().unwrap_or_default());
    Err(Failure::class(class, text).into())
}

/// What the rules make of an outcome: whether it is better, or why it is wrong.
fn judge(case: &Value, result: &Value) -> Result<bool, String> {
    let before = snapshot(&case["before"]);
    let after = result.get("after").map_or_else(|| before.clone(), snapshot);
    let earlier = case["earlier"].as_array().cloned().unwrap_or_default();
    let compared = Compared {
        step: &case["step"],
        earlier: &earlier,
        recorded: &case["recorded"],
        outcome: &outcome(result),
        log: result.get("log"),
        before: &before,
        after: &after,
        copied: &copies(&case["copied"]),
        copying: &copies(&case["copying"]),
    };
    let mut watch = Watch::new(case["row"].as_str());
    watch.compare(earlier.len(), &compared, || result.to_string());
    let is_left_out = !watch.left_out.is_empty();
    watch.finish().map(|is_better| is_better || is_left_out)
}

#[test]
fn better_outcomes_are_told_from_wrong_ones() {
    for case in cases() {
        // Some steps show nothing themselves, but what they leave is looked at.
        let better = judge(&case, &case["better"]);
        assert_eq!(better, Ok(case["is_unmoved"] != true), "{case}");
        let wrong = case["wrong"].as_array().unwrap();
        assert!(!wrong.is_empty(), "{case}");
        for wrong in wrong {
            assert!(judge(&case, wrong).is_err(), "{}: {wrong}", case["row"]);
        }
    }
}

#[test]
fn what_was_recorded_is_wrong_where_it_shows_the_defect() {
    for case in cases().iter().filter(|case| case["may_be_recorded"] != true) {
        let error = &case["recorded"]["error"];
        let mut recorded = case["recorded"].clone();
        recorded["class"] = error["class"].clone();
        recorded["text"] = error["message"].clone();
        if let Some(after) = case.get("recorded_after") {
            recorded["after"] = after.clone();
        }
        assert!(judge(case, &recorded).is_err(), "{}: {recorded}", case["row"]);
    }
}

#[test]
fn every_rule_has_cases() {
    let rows: BTreeSet<_> = RULES.iter().map(|(row, _)| (*row).to_owned()).collect();
    let tried = cases();
    let tried: BTreeSet<_> = tried
        .iter()
        .map(|case| case["row"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(rows, tried);
}

#[test]
fn a_row_does_not_explain_what_another_is_about() {
    for case in cases() {
        let mut other = case.clone();
        other["row"] = "B48".into();
        assert!(
            judge(&other, &case["better"]) != Ok(true) || case["is_told_of_any"] == true,
            "{case}"
        );
    }
}

#[test]
fn what_a_refusal_left_must_be_what_is_there_without_it() {
    let step = serde_json::json!({"op": "store_keys", "store": "t"});
    let refusal = cases().into_iter().find(|case| case["row"] == "B18").unwrap();
    for (without, is_right) in [(vec!["a"], true), (vec!["a", "b"], false)] {
        let mut watch = Watch::new(Some("B18"));
        let before = snapshot(&refusal["before"]);
        let (none, recorded) = (Vec::new(), serde_json::json!({"ok": ["b"]}));
        let copying = copies(&refusal["copying"]);
        let outcomes = [outcome(&refusal["better"]), Ok(vec!["a"].into())];
        for (index, outcome) in outcomes.iter().enumerate() {
            let compared = Compared {
                step: if index == 0 { &refusal["step"] } else { &step },
                earlier: &[],
                recorded: if index == 0 {
                    &refusal["recorded"]
                } else {
                    &recorded
                },
                outcome,
                log: None,
                before: &before,
                after: &before,
                copied: &none,
                copying: if index == 0 { &copying } else { &none },
            };
            watch.compare(index, &compared, String::new);
        }
        assert_eq!(watch.left_out(), Some(&[0][..]));
        watch.compare_without(1, &Ok(without.into()), None);
        assert_eq!(watch.finish().is_ok(), is_right);
    }
}
