//! The store: a handle on the threads that read and write one file.
//!
//! Invariant: handles share one writer; the last one that is dropped closes the store.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use lucent_core::store::StoreError;
use tokio::sync::oneshot;

use crate::{
    builder::SqliteBuilder,
    checkpoint::Checkpoints,
    fault::Fault,
    heads::{self, Heads, closed},
    open::{Options, open_reader, open_store, open_writer},
    reader::Pool,
    spawn::spawn,
    writer::{Request, Writer},
};

/// An event store, snapshot store and read-model store in one SQLite file.
///
/// Clones share the file's writer and readers. The store is closed by [`Self::close`] or when the
/// last clone is dropped.
///
/// ```no_run
/// # async fn open() -> Result<(), lucent_core::store::StoreError> {
/// use lucent_sqlite::SqliteStore;
/// let store = SqliteStore::open("bank.db").await?;
/// store.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    options: Options,
    pub(crate) max_payload: usize,
    requests: mpsc::Sender<Request>,
    queued: Arc<AtomicUsize>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) pool: Arc<Pool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Opens the store in this file with the default settings; creates the file if there is none.
///
/// Short for [`SqliteStore::open`].
///
/// # Errors
/// As [`SqliteBuilder::open`].
pub async fn open(path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path).await
}

impl SqliteStore {
    /// Opens the store in this file with the default settings; creates the file if there is none.
    ///
    /// # Errors
    /// As [`SqliteBuilder::open`].
    ///
    /// # Cancel safety
    /// A store whose opening is given up is closed again.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder().open(path).await
    }

    /// Settings to open a store with.
    pub const fn builder() -> SqliteBuilder {
        SqliteBuilder::new()
    }

    /// Finishes what was asked before, empties the write-ahead log, and ends the store's threads.
    /// Every later request fails as [`StoreError::Closed`], on all clones.
    ///
    /// # Cancel safety
    /// The store closes also if nobody waits for it.
    pub async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.inner.requests.send(Request::Close(sender)).is_ok() {
            // A dropped sender means that another call closed the store first.
            drop(receiver.await);
        }
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The thread has reported its end, so joining it takes no time.
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer panicked");
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.options.path
    }

    pub(crate) async fn start(
        options: Options,
        readers: usize,
        max_payload: usize,
    ) -> Result<Self, StoreError> {
        let (ready, opened) = oneshot::channel();
        let (requests, inbox) = mpsc::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let thread = {
            let (options, queued) = (options.clone(), Arc::clone(&queued));
            spawn("lucent-sqlite-writer", move || {
                match assemble(&options, readers, queued) {
                    Ok((writer, shared)) => {
                        if ready.send(Ok(shared)).is_ok() {
                            writer.run(inbox);
                        } else {
                            writer.close();
                        }
                    }
                    // Who gave up the opening does not want the error.
                    Err(fault) => drop(ready.send(Err(fault))),
                }
            })?
        };
        let (heads, pool) = match opened.await {
            Ok(Ok(shared)) => shared,
            Ok(Err(fault)) => return Err(fault.into_store("open the store", &options.path)),
            Err(_) => return Err(closed()),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                max_payload,
                requests,
                queued,
                heads,
                pool,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Puts a request into the writer's queue and waits for its outcome.
    pub(crate) async fn ask<T, E: From<StoreError>>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Request,
    ) -> Result<T, E> {
        let (sender, receiver) = oneshot::channel();
        if self.inner.queued.fetch_add(1, Ordering::Relaxed) >= QUEUED_REQUESTS {
            self.inner.queued.fetch_sub(1, Ordering::Relaxed);
            return Err(StoreError::Busy {
                reason: format!("{QUEUED_REQUESTS} writes are queued already"),
            }
            .into());
        }
        self.inner.requests.send(request(sender)).map_err(|_| closed())?;
        receiver.await.unwrap_or_else(|_| Err(closed().into()))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.inner.options.path)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The writer finishes its queue and ends the other threads on its own; waiting for it here
        // would block a runtime. A closed store has nobody who listens.
        let (sender, _) = oneshot::channel();
        drop(self.requests.send(Request::Close(sender)));
    }
}

type Shared = (Arc<Heads>, Arc<Pool>);

/// Opens the file and starts the other threads.
fn assemble(
    options: &Options,
    readers: usize,
    queued: Arc<AtomicUsize>,
) -> Result<(Writer, Shared), Fault> {
    let conn = open_store(options)?;
    let heads = Arc::new(Heads::new(heads::read_head(&conn)?));
    let pool = Arc::new(Pool::new(options.path.clone()));
    let checkpoints = Arc::new(Checkpoints::default());
    let mut threads = Threads {
        handles: Vec::new(),
        heads: Arc::clone(&heads),
        checkpoints: Arc::clone(&checkpoints),
        pool: Arc::clone(&pool),
    };
    for number in 0..readers {
        let (conn, pool) = (open_reader(options)?, Arc::clone(&pool));
        let name = format!("lucent-sqlite-reader-{number}");
        threads.handles.push(spawn(&name, move || pool.serve(&conn))?);
    }
    let (reader, watching) = (open_reader(options)?, Arc::clone(&heads));
    threads.handles.push(spawn("lucent-sqlite-watch", move || watching.watch(&reader))?);
    let (mover, moving) = (open_writer(options)?, Arc::clone(&checkpoints));
    threads.handles.push(spawn("lucent-sqlite-checkpoint", move || moving.run(&mover))?);
    let shared = (Arc::clone(&heads), Arc::clone(&pool));
    let parts = (heads, checkpoints, pool);
    let mut writer = Writer::new(options.clone(), conn, queued, parts)?;
    writer.own(threads.release());
    Ok((writer, shared))
}

/// Ends the threads again if the opening fails half-way.
struct Threads {
    handles: Vec<JoinHandle<()>>,
    heads: Arc<Heads>,
    checkpoints: Arc<Checkpoints>,
    pool: Arc<Pool>,
}

impl Threads {
    fn release(mut self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.handles)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if !self.handles.is_empty() {
            self.heads.close();
            self.checkpoints.close();
            self.pool.close();
        }
    }
}

/// How many writes wait in the queue before further ones are turned away.
const QUEUED_REQUESTS: usize = 65_536;
