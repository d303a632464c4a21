//! The workloads of whole stores and of ZIP archives.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use zarr_convenience::{Copied, CopyStoreOptions, Ledger, copy_store};
use zarr_core::{
    Array, NodePath, Selection,
    store::{DirectoryStore, Store, ZipStore},
};

use crate::{
    Outcome, Timer,
    arrays::{Values, create, document, parts, positions, read},
    options, out_path, pinned, workers,
};

/// Copies every key of a store.
pub(crate) fn copy(dir: &Path, kinds: &str) -> Result<Outcome> {
    let (from, to) = kinds.split_once('-').context("expected FROM-TO")?;
    let small = dir.join("zarr").join("small");
    let source = small.join(if from == "zip" {
        "v2-blosc.zip"
    } else {
        "v2-blosc.zarr"
    });
    let dest = if to == "zip" {
        out_path(dir).with_extension("zip")
    } else {
        out_path(dir)
    };
    let timer = Timer::start();
    let copied = copy_between(&source, &dest)?;
    Ok(Outcome {
        time: timer.elapsed(),
        bytes: copied.n_bytes_copied,
        operations: copied.n_copied,
        check: 0,
    })
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "zip")
}

/// Copies every key between directories and archives, as the command does it.
pub(crate) fn copy_between(from: &Path, to: &Path) -> Result<Copied> {
    let source: Arc<dyn Store> = if is_archive(from) {
        Arc::new(ZipStore::open(from)?)
    } else {
        pinned(from)?
    };
    if is_archive(to) {
        let dest: Arc<dyn Store> = Arc::new(ZipStore::create(to)?);
        return Ok(copy_store(&source, &dest, CopyStoreOptions::default())?);
    }
    // Into a tree that is published when it is whole, and with a journal.
    let dest: Arc<dyn Store> = Arc::new(DirectoryStore::create(to)?);
    let ledger = Ledger::open(&dest, "copy-store", true)?.context("no journal")?;
    let staged = ledger.stage_root()?.context("no tree beside the store")?;
    let options = CopyStoreOptions {
        ledger: Some(&ledger),
        workers: workers(),
        ..CopyStoreOptions::default()
    };
    let copied = copy_store(&source, &staged.store(), options)?;
    staged.publish()?;
    ledger.finish()?;
    Ok(copied)
}

/// Writes an array into a ZIP archive.
pub(crate) fn zip_save(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let values = Values::read(dir, data)?;
    let document = document(dir, data, layout)?;
    let timer = Timer::start();
    let store = Arc::new(ZipStore::create(out_path(dir).with_extension("zip"))?);
    let array = create(Arc::<ZipStore>::clone(&store), &document, layout, &options())?;
    let bytes = values.write(&array)?;
    drop(array);
    Arc::into_inner(store)
        .context("the archive is still in use")?
        .close()?;
    Ok(Outcome {
        time: timer.elapsed(),
        bytes,
        operations: 1,
        check: 0,
    })
}

fn open(dir: &Path, data: &str, layout: &str) -> Result<Array> {
    let path = dir.join("zarr").join(data).join(format!("{layout}.zip"));
    let store = Arc::new(ZipStore::open(path)?);
    Ok(Array::open(store, &NodePath::root(), &options())?)
}

/// Reads all of an array in a ZIP archive.
pub(crate) fn zip_load(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let timer = Timer::start();
    let array = open(dir, data, layout)?;
    read(&timer, &array, &Selection::all())
}

/// Reads chunks of an array in a ZIP archive, one after the other.
pub(crate) fn zip_rand(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let positions = positions(dir, data, "chunk")?;
    let timer = Timer::start();
    let array = open(dir, data, layout)?;
    let chunk_shape = array.chunk_shape().to_vec();
    parts(&timer, &array, &positions, &chunk_shape, true)
}
