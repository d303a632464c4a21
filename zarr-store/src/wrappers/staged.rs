//! Trees that are staged through a store that wraps another.

use std::sync::Arc;

use crate::{Result, Staged, Store};

impl dyn Staged {
    /// The same tree, whose store is another one around its own; for stores that wrap others.
    #[must_use]
    pub fn with_store<S: Store + 'static>(
        self: Box<Self>,
        wrap: impl FnOnce(Arc<dyn Store>) -> S,
    ) -> Box<dyn Staged> {
        let store = Arc::new(wrap(self.store()));
        Box::new(Wrapped { tree: self, store })
    }
}

/// A tree that is another but for its store.
#[derive(Debug)]
struct Wrapped<S> {
    tree: Box<dyn Staged>,
    store: Arc<S>,
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store + 'static> Staged for Wrapped<S> {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<S>::clone(&self.store)
    }

    fn publish(self: Box<Self>) -> Result<()> {
        self.tree.publish()
    }

    fn token(&self) -> Option<u64> {
        self.tree.token()
    }

    fn discard(self: Box<Self>) {
        self.tree.discard();
    }
}
