//! `zarr tree`: pages for browsers, parts of large trees.

use crate::place::Place;

#[test]
fn a_page_for_a_browser_is_written_whole_or_not_at_all() {
    let place = Place::with_group();
    assert_eq!(place.done("tree g.zarr --html page.html"), "");
    let page = place.text("page.html");
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"),
        "{page}"
    );
    assert!(
        page.contains("<h1>g.zarr</h1>") && page.contains("<details><summary><b>sub</b>"),
        "{page}"
    );
    assert!(
        place
            .done("tree g.zarr --html - --expand")
            .contains("<details open><summary><b>sub</b>")
    );
    assert!(
        place
            .done("tree g.zarr --html - --expand=1")
            .contains("<details><summary><b>sub</b>")
    );
    place.write("g.zarr/sub/y/.zarray", b"{");
    place.refused("tree g.zarr --html page.html", 4, &["sub/y"]);
    place.refused("tree g.zarr --html none/page.html", 3, &["none/page.html"]);
    assert_eq!(place.run("tree g.zarr --expand").status, 2);
}

#[test]
fn a_tree_goes_on_where_it_ended() {
    let place = Place::with_group();
    let run = place.run("tree g.zarr --limit 2");
    assert_eq!((run.status, run.stdout.as_str()), (0, "/\n ├── sub\n"));
    assert_eq!(
        run.stderr,
        "zarr: at least 2 more nodes; go on with --after /sub\n"
    );
    let rest = " │   └── y (2, 3) int32\n └── x (6,) int32\n";
    assert_eq!(place.done("tree g.zarr --after /sub"), rest);
    assert_eq!(place.done("tree g.zarr --after sub --limit 2"), rest);
    assert_eq!(place.done("tree g.zarr --limit 2 --quiet"), "/\n ├── sub\n");
    place.refused("tree g.zarr --after none", 2, &["'/none' is not in the tree"]);
}
