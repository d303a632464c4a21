//! ZIP archives.

use std::fs;

use zarr_convenience::core::store::{Store, StoreExt, StoreKey, StorePrefix, ZipStore};

use crate::Target;

pub(crate) const ZIP: Target = Target {
    name: "zip",
    run: |data| {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), data).expect("a temporary file takes bytes");
        let Ok(store) = ZipStore::open(file.path()) else {
            return;
        };
        for key in store
            .list_prefix(&StorePrefix::root())
            .unwrap_or_default()
            .iter()
            .take(100)
        {
            let Ok(Some(value)) = store.get(key, 1 << 20) else {
                continue;
            };
            let size = store.size(key).expect("the size of what was read");
            assert_eq!(size, Some(value.len() as u64), "{key}");
        }
    },
    seeds: || [false, true].map(archive).to_vec(),
};

fn archive(deflates: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.zip");
    let store = ZipStore::create(&path)
        .expect("a new archive")
        .with_deflate(deflates);
    for (key, value) in [
        (".zgroup", &br#"{"zarr_format":2}"#[..]),
        ("é/0.0", &[7; 300]),
        ("é/1.0", &[]),
    ] {
        let key = StoreKey::new(key).expect("a plain name");
        store.set(&key, value).expect("an archive takes values");
    }
    store.close().expect("the archive is complete");
    fs::read(path).expect("the archive is there")
}
