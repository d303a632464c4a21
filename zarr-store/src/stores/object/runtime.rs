//! Waiting for what is asynchronous, from threads that are not.

use std::{future::Future, io, sync::mpsc};

use tokio::runtime::{Builder, Runtime};

/// Threads of a store of its own, which carry its requests.
#[derive(Debug)]
pub(super) struct Carrier {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Carrier {
    /// Starts the threads; they wait for the network, so few carry many requests.
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("zarr-store")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    /// Runs a task and waits for it.
    ///
    /// The caller waits as any thread does, and so may itself be one of another runtime.
    pub(super) fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                // Whoever does not wait any more does not want the result.
                let _ = sender.send(task.await);
            });
        }
        receiver
            .recv()
            .map_err(|_| io::Error::other("the request ended without a result"))
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // Waiting here is refused where the caller is a thread of another runtime; nothing is left to wait for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
