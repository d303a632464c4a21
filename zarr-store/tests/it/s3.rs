//! A bucket of a real server, where the job `stores` has started one; elsewhere there is nothing to test.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use zarr_store::{ByteRange, ObjectStore, ReadBuffer, Store, StoreError, testing::check_store};

use crate::{get, key, keys};

/// A new place in the bucket; `None` where there is no server.
fn make() -> Option<ObjectStore> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let url = env::var("ZT_S3_URL").ok()?;
    let place = format!(
        "{url}/{}-{}",
        std::process::id(),
        CALLS.fetch_add(1, Ordering::Relaxed)
    );
    let settings = env::vars().filter(|(name, _)| name.starts_with("AWS_"));
    Some(ObjectStore::from_url(&place, settings).unwrap())
}

#[test]
fn a_bucket_keeps_the_contract() {
    if make().is_some() {
        check_store(|| Arc::new(make().unwrap()));
    }
}

#[test]
fn writers_and_readers_of_a_bucket_do_not_disturb_each_other() {
    let Some(store) = make() else { return };
    let store = &store;
    thread::scope(|scope| {
        for own in 0..8_u8 {
            scope.spawn(move || {
                for round in 0..10 {
                    let value = vec![own; 10_000 + round];
                    store.set(&key(&format!("{own}/{round}")), &value).unwrap();
                    store.set(&key("shared"), &value).unwrap();
                    assert_eq!(get(store, &format!("{own}/{round}")).unwrap(), value);
                    let shared = get(store, "shared").unwrap();
                    assert!(shared.iter().all(|byte| *byte == shared[0]));
                }
            });
        }
    });
    assert_eq!(keys(store).len(), 81);
}

#[test]
fn what_the_server_refuses_is_an_error_without_secrets() {
    let Some(store) = make() else { return };
    store.set(&key("a"), b"0123456789").unwrap();
    let mut buffer = ReadBuffer::new();
    let range = ByteRange::Part {
        offset: 20,
        length: 1,
    };
    let error = store.get_ranges(&key("a"), &[range], &mut buffer).unwrap_err();
    assert!(
        matches!(error, StoreError::OutOfRange { size: 10, .. }),
        "{error:?}"
    );
    let settings = env::vars().filter(|(name, _)| name.starts_with("AWS_"));
    let missing = ObjectStore::from_url("s3://no-such-bucket-here/x", settings).unwrap();
    let error = missing.set(&key("a"), b"").unwrap_err();
    let text = format!("{error} {error:?} {missing:?}");
    assert!(!text.contains("loopback-secret"), "{text}");
}
