//! Trees of N5 keep the contract of stores.

use std::sync::Arc;

use zarr_core::{
    N5Store,
    store::{MemoryStore, testing::check_store_but},
};

#[test]
fn trees_of_n5_keep_the_contract_but_for_documents() {
    check_store_but(
        || Arc::new(N5Store::new(Arc::new(MemoryStore::new()))),
        &[".zarray"],
    );
}
