//! Background tasks with names and an owner that joins them.
//!
//! Invariant: nothing in this crate spawns a task in any other way.

use std::{future::Future, sync::Mutex};

use tokio::{sync::watch, task::JoinHandle};

/// The background tasks of an application.
#[derive(Debug)]
pub(crate) struct Tasks {
    stop: watch::Sender<bool>,
    running: Mutex<Vec<(String, JoinHandle<()>)>>,
}

/// Tells a task when to stop.
#[derive(Clone, Debug)]
pub(crate) struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// Waits until the task is to stop. Cancel safe.
    pub(crate) async fn stopped(&mut self) {
        // An error means that the owner is gone, which is a reason to stop as well.
        drop(self.0.wait_for(|stop| *stop).await);
    }

    /// Runs a future until it ends or the task is to stop.
    pub(crate) async fn or_stop<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stopped() => None,
            value = future => Some(value),
        }
    }
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { stop: watch::Sender::new(false), running: Mutex::default() }
    }

    pub(crate) fn signal(&self) -> StopSignal {
        StopSignal(self.stop.subscribe())
    }

    /// Starts a task that is joined at [`Self::stop`].
    pub(crate) fn spawn(&self, name: String, task: impl Future<Output = ()> + Send + 'static) {
        #[expect(clippy::disallowed_methods, reason = "this is where it is joined")]
        let handle = tokio::spawn(task);
        self.lock().push((name, handle));
    }

    /// Stops every task and waits for them.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let running = std::mem::take(&mut *self.lock());
        for (name, handle) in running {
            if let Err(error) = handle.await {
                tracing::error!(task = name, %error, "a background task ended badly");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(String, JoinHandle<()>)>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
