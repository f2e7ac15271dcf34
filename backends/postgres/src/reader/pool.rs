//! The connections that read.
//!
//! Invariant: a connection is shared, never checked out, so readers cannot starve each other.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lucent_core::store::StoreError;

use crate::{
    connect::{Server, Session},
    fault::Fault,
};

/// Connections that read; they are opened when they are first needed.
#[derive(Debug)]
pub(crate) struct Readers {
    server: Arc<Server>,
    sessions: Mutex<Vec<Arc<Session>>>,
    /// One connection is opened at a time.
    opening: tokio::sync::Mutex<()>,
}

impl Readers {
    /// Starts with one connection.
    pub(crate) fn new(server: Arc<Server>, first: Session) -> Self {
        Self {
            server,
            sessions: Mutex::new(vec![Arc::new(first)]),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Runs a read, again and again while the server is away, for as long as the store is patient.
    pub(crate) async fn run<T, F>(
        &self,
        action: &'static str,
        read: impl Fn(Arc<Session>) -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let patience = self.server.options.patience;
        let mut backoff = Backoff::new(patience);
        loop {
            let outcome = match self.session().await {
                Ok(session) => match self.server.doubts.settle(&session, patience).await {
                    Ok(()) => read(session).await,
                    Err(fault) => Err(fault),
                },
                Err(fault) => Err(fault),
            };
            match outcome {
                Err(fault) if fault.lost_connection() => match backoff.pause() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(fault.into_store(action, &self.server.location)),
                },
                Err(fault) => return Err(fault.into_store(action, &self.server.location)),
                Ok(value) => return Ok(value),
            }
        }
    }

    /// Runs a write that must not be done twice: once, on a connection that was alive just now.
    pub(crate) async fn run_once<T, F>(
        &self,
        action: &'static str,
        write: impl FnOnce(Arc<Session>) -> F + Send,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let session = self.run(action, |session| async move { Ok(session) }).await?;
        let outcome = write(session).await;
        outcome.map_err(|fault| fault.into_store(action, &self.server.location))
    }

    /// The connection with the least to do, or a new one if all are busy and there may be more.
    async fn session(&self) -> Result<Arc<Session>, Fault> {
        match self.idlest() {
            Some((session, true)) => return Ok(session),
            Some((session, false)) => {
                // Somebody else is opening one already: the busy one will do meanwhile.
                let Ok(_opening) = self.opening.try_lock() else {
                    return Ok(session);
                };
                match self.open().await {
                    Ok(opened) => return Ok(opened),
                    Err(fault) => {
                        tracing::debug!(?fault, "no further connection could be opened");
                        return Ok(session);
                    }
                }
            }
            None => {}
        }
        let _opening = self.opening.lock().await;
        match self.idlest() {
            Some((session, _)) => Ok(session),
            None => self.open().await,
        }
    }

    async fn open(&self) -> Result<Arc<Session>, Fault> {
        let session = Arc::new(self.server.connect().await?);
        self.lock().push(Arc::clone(&session));
        Ok(session)
    }

    /// The connection with the least to do, and whether to be content with it.
    fn idlest(&self) -> Option<(Arc<Session>, bool)> {
        let mut sessions = self.lock();
        sessions.retain(|session| !session.is_closed());
        let idlest = sessions.iter().min_by_key(|session| Arc::strong_count(session))?;
        let content =
            Arc::strong_count(idlest) == 1 || sessions.len() >= self.server.options.readers;
        Some((Arc::clone(idlest), content))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Growing pauses, until patience runs out.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    left: Duration,
}

impl Backoff {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { next: SHORTEST, left: patience }
    }

    /// The next pause; nothing if patience has run out.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        if self.left.is_zero() {
            return None;
        }
        let pause = std::cmp::min(self.next, self.left);
        self.left -= pause;
        self.next = std::cmp::min(self.next * 2, LONGEST);
        Some(pause)
    }
}

const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
