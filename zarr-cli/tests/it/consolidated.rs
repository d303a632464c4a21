//! Consolidated metadata: when they are used, and what is said of them.

use crate::place::Place;

/// A group that is consolidated, and what one of its documents says.
fn consolidated(format: &str) -> (Place, &'static str) {
    let place = Place::with_arrays();
    place.done(&format!("create g.zarr --zarr-format {format}"));
    place.done(&format!(
        "create g.zarr/sub/x --shape 4 --dtype <i4 --zarr-format {format}"
    ));
    place.done("consolidate g.zarr");
    let document = if format == "2" {
        "sub/x/.zarray"
    } else {
        "sub/x/zarr.json"
    };
    (place, document)
}

/// Another program makes the array longer, and says nothing to the consolidated metadata.
fn lengthen(place: &Place, document: &str) {
    let name = format!("g.zarr/{document}");
    let text = place.text(&name);
    let (before, after) = text.split_once("\"shape\"").unwrap();
    place.write(
        &name,
        format!("{before}\"shape\"{}", after.replacen('4', "8", 1)).as_bytes(),
    );
}

#[test]
fn info_says_whether_they_are_up_to_date() {
    for format in ["2", "3"] {
        let (place, document) = consolidated(format);
        assert!(place.done("info g.zarr").contains("Consolidated : up to date\n"));
        lengthen(&place, document);
        let info = place.done("info g.zarr");
        assert!(
            info.contains(&format!(": stale, {document} was changed")),
            "{info}"
        );
        place.done("consolidate g.zarr");
        assert!(place.done("info g.zarr").contains(": up to date"));
        // Whoever writes through us leaves none that are wrong.
        place.run(&format!("create g.zarr/new --zarr-format {format}"));
        assert!(!place.done("info g.zarr").contains("Consolidated"));
    }
}

#[test]
fn they_are_used_as_the_policy_says() {
    for format in ["2", "3"] {
        let (place, document) = consolidated(format);
        let (old, new) = (
            "/\n └── sub\n     └── x (4,) int32\n",
            "/\n └── sub\n     └── x (8,) int32\n",
        );
        let auto = place.run("tree g.zarr --consolidated auto");
        assert_eq!((auto.stdout.as_str(), auto.stderr.as_str()), (old, ""));
        lengthen(&place, document);
        let auto = place.run("tree g.zarr --consolidated auto");
        assert_eq!(auto.stdout, new);
        let notice = format!("zarr: consolidated metadata are not used: stale, {document} was changed\n");
        assert_eq!(auto.stderr, notice);
        assert_eq!(place.run("tree g.zarr --consolidated auto --quiet").stderr, "");
        assert_eq!(place.done("tree g.zarr --consolidated must"), old);
        assert_eq!(place.done("tree g.zarr --consolidated never"), new);
        assert_eq!(place.done("tree g.zarr"), new);
    }
}

#[test]
fn where_there_must_be_some_there_are() {
    let place = Place::with_group();
    place.refused("tree g.zarr --consolidated must", 3, &[".zmetadata"]);
    place.refused("tree g.zarr --consolidated often", 2, &["auto, must, never"]);
    assert_eq!(
        place.done("tree g.zarr --consolidated auto"),
        place.done("tree g.zarr")
    );
}

#[test]
fn a_group_is_consolidated_on_its_own() {
    for (format, document) in [("2", "g.zarr/sub/.zmetadata"), ("3", "g.zarr/sub/zarr.json")] {
        let place = Place::with_arrays();
        place.done(&format!("create g.zarr --zarr-format {format}"));
        place.done(&format!("create g.zarr/sub/x --shape 4 --zarr-format {format}"));
        place.done("consolidate g.zarr --path sub");
        assert!(place.text(document).contains("\"shape\""));
        assert_eq!(
            place.done("tree g.zarr/sub --consolidated auto"),
            "sub\n └── x (4,) float64\n"
        );
    }
}

#[test]
fn whoever_drops_them_says_so() {
    for format in ["2", "3"] {
        let (place, document) = consolidated(format);
        place.done(&format!("create from.zarr --zarr-format {format}"));
        place.done(&format!("create from.zarr/y --shape 2 --zarr-format {format}"));
        let lines = [
            format!("create g.zarr/new --zarr-format {format}"),
            format!("save g.zarr/saved x.npy --zarr-format {format}"),
            "copy from.zarr/y g.zarr/sub --name copied".to_owned(),
            "copy-all from.zarr g.zarr".to_owned(),
            "copy-store from.zarr g.zarr --dest-path sub/copies".to_owned(),
            "attrs g.zarr/sub/x a=1".to_owned(),
            "mv g.zarr/sub/x g.zarr/moved".to_owned(),
            "rm g.zarr/moved".to_owned(),
        ];
        let notice = "zarr: the consolidated metadata of g.zarr no longer said what is there and were dropped; \
                      zarr consolidate makes them anew\n";
        for line in lines {
            place.done("consolidate g.zarr");
            let run = place.run(&line);
            assert_eq!((run.status, run.stderr.as_str()), (0, notice), "{line}");
            assert!(!place.done("info g.zarr").contains("Consolidated"), "{line}");
            // There is nothing more to be dropped.
            assert_eq!(place.run("create g.zarr/other --mode a").stderr, "", "{line}");
        }
        assert!(!document.is_empty());
    }
}

#[test]
fn info_says_in_json_whether_they_are_up_to_date() {
    for format in ["2", "3"] {
        let (place, document) = consolidated(format);
        let told = |place: &Place| -> serde_json::Value {
            let json: serde_json::Value = serde_json::from_str(&place.done("info g.zarr --json")).unwrap();
            json["consolidated"].clone()
        };
        assert_eq!(told(&place)["fresh"], true);
        lengthen(&place, document);
        let stale = told(&place);
        assert_eq!(stale["fresh"], false);
        assert!(stale["differences"][0].to_string().contains(document), "{stale}");
    }
}
