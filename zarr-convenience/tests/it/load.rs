//! `load` and the lazy loader.

use std::sync::Arc;

use zarr_convenience::{
    Error, LazyLoader, Loaded, SaveOptions,
    core::{ArrayData, Error as CoreError, NodePath, Options, Workers, store::Store},
    load, save, save_group,
};

use crate::help::{example, group, ints, keys, memory, path, save_ints};

fn loader(store: &Arc<dyn Store>, at: &str) -> LazyLoader {
    match load(store, &path(at), &Options::default()).unwrap() {
        Some(Loaded::Group(loader)) => loader,
        other => panic!("{other:?}"),
    }
}

fn array(loaded: Loaded) -> Arc<ArrayData> {
    match loaded {
        Loaded::Array(array) => array,
        Loaded::Group(group) => panic!("{group:?}"),
    }
}

#[test]
fn an_array_is_loaded_whole() {
    let store = memory();
    save_ints(&store, "x", &[5, 6, 7]);
    let loaded = load(&store, &path("x"), &Options::default()).unwrap().unwrap();
    assert_eq!(array(loaded).to_vec::<i64>().unwrap(), [5, 6, 7]);
}

#[test]
fn b06_where_nothing_is_nothing_is_loaded() {
    assert!(
        load(&memory(), &path("x"), &Options::default())
            .unwrap()
            .is_none()
    );
    assert!(
        load(&memory(), &NodePath::root(), &Options::default())
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_damaged_document_is_an_error_and_not_nothing() {
    let store = memory();
    crate::help::set(store.as_ref(), "x/.zarray", b"{");
    let done = load(&store, &path("x"), &Options::default());
    assert!(
        matches!(done, Err(Error::Core(CoreError::Metadata { .. }))),
        "{done:?}"
    );
}

#[test]
fn an_array_larger_than_allowed_is_refused() {
    let store = memory();
    save_ints(&store, "x", &[5; 100]);
    let options = Options {
        read_size_max: 799,
        workers: Workers::ONE,
        ..Options::default()
    };
    let done = load(&store, &path("x"), &options);
    assert!(
        matches!(done, Err(Error::Core(CoreError::TooLarge { .. }))),
        "{done:?}"
    );
}

#[test]
fn a_lazy_loader_gives_the_same_object_again() {
    let store = memory();
    save_ints(&store, "x", &[1]);
    let loader = loader(&store, "");
    let first = array(loader.get("x").unwrap());
    save_ints(&store, "x", &[2]);
    let second = array(loader.get("x").unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(second.to_vec::<i64>().unwrap(), [1], "later changes are not seen");
}

#[test]
fn a_lazy_loader_reads_nothing_before_it_is_asked() {
    use zarr_convenience::core::store::CountingStore;
    let inner = example();
    let counting = Arc::new(CountingStore::new(Arc::clone(inner.store())));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    let loader = loader(&store, "foo/bar");
    let before = counting.counts().bytes_got;
    assert!(before < 200, "{before}");
    loader.get("spam").unwrap();
    assert!(counting.counts().bytes_got > before);
}

#[test]
fn b07_a_group_in_a_group_is_a_loader_of_its_own_and_names_may_have_parts() {
    let group = example();
    let whole = loader(group.store(), "");
    let Loaded::Group(inner) = whole.get("foo").unwrap() else {
        panic!("no group")
    };
    let Loaded::Group(bar) = inner.get("bar").unwrap() else {
        panic!("no group")
    };
    assert_eq!(array(bar.get("spam").unwrap()).n_elements(), 20);
    assert_eq!(array(whole.get("foo/bar/baz").unwrap()).n_elements(), 100);
}

#[test]
fn a_member_that_is_not_there_is_not_found() {
    let group = example();
    let done = loader(group.store(), "").get("nope");
    assert!(
        matches!(done, Err(Error::Core(CoreError::NotFound { .. }))),
        "{done:?}"
    );
}

#[test]
fn b07_names_include_groups_and_the_text_only_arrays() {
    let store = memory();
    let named = ["b", "a", "sub/c"].map(|name| (name.to_owned(), ints(&[1])));
    save_group(&store, &NodePath::root(), &[], &named, &SaveOptions::default()).unwrap();
    let loader = loader(&store, "");
    assert_eq!(loader.names().unwrap(), ["a", "b", "sub"]);
    assert_eq!(loader.to_string(), "<LazyLoader: a, b>");
    for (name, is_there) in [
        ("a", true),
        ("sub", true),
        ("sub/c", true),
        ("", true),
        ("c", false),
    ] {
        assert_eq!(loader.contains(name).unwrap(), is_there, "{name}");
    }
}

#[test]
fn an_empty_group_has_an_empty_text() {
    assert_eq!(loader(group().store(), "").to_string(), "<LazyLoader: >");
}

#[test]
fn loading_changes_nothing() {
    let store = memory();
    save(
        &store,
        &NodePath::root(),
        &[ints(&[1]), ints(&[2])],
        &[],
        &SaveOptions::default(),
    )
    .unwrap();
    let before = keys(store.as_ref());
    loader(&store, "").get("arr_0").unwrap();
    assert_eq!(keys(store.as_ref()), before);
}
