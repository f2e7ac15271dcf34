//! Tells waiting readers that the log has grown, whoever appended.
//!
//! Invariant: no wake-up is lost. This store's writer reports each commit, commits of other
//! processes are announced by the server, and while somebody waits the log is looked at every now
//! and then, because announcements may get lost with a connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lucent_core::{Position, store::StoreError};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, MissedTickBehavior},
};

use crate::{
    connect::{Server, Session},
    fault::Fault,
    reader::{Backoff, read_head},
};

/// The newest known head of the log, and who waits for a newer one.
#[derive(Debug)]
pub(crate) struct Heads {
    seen: watch::Sender<Seen>,
    waiting: AtomicUsize,
    /// Somebody began to wait.
    joined: Notify,
    /// This store's writer committed.
    committed: Notify,
    /// Whether the store was closed; apart from the heads, so that the watching task is not woken
    /// at every commit.
    closed: watch::Sender<bool>,
}

/// A connection that can hear announcements.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) session: Session,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Listener {
    /// Opens the connection.
    pub(crate) async fn connect(server: &Server) -> Result<Self, Fault> {
        let (announced, heard) = mpsc::unbounded_channel();
        let session = server.connect_listening(announced).await?;
        Ok(Self { session, heard })
    }
}

#[derive(Debug, Default)]
struct Seen {
    head: u64,
    closed: bool,
}

impl Heads {
    pub(crate) fn new(head: Position) -> Self {
        Self {
            seen: watch::Sender::new(Seen { head: head.get(), closed: false }),
            waiting: AtomicUsize::new(0),
            joined: Notify::new(),
            committed: Notify::new(),
            closed: watch::Sender::new(false),
        }
    }

    /// Reports a commit of this store's writer.
    pub(crate) fn committed(&self, head: u64) {
        if self.saw(head) {
            self.committed.notify_one();
        }
    }

    /// Ends every wait and the watching task.
    pub(crate) fn close(&self) {
        self.seen.send_modify(|seen| seen.closed = true);
        self.closed.send_replace(true);
    }

    /// Waits for a head past this position. Cancel safe.
    pub(crate) async fn wait_past(&self, position: Position) -> Result<Position, StoreError> {
        let mut seen = self.seen.subscribe();
        let mut registered = None;
        loop {
            {
                let now = seen.borrow_and_update();
                if now.closed {
                    return Err(closed());
                }
                if now.head > position.get() {
                    return Ok(Position::new(now.head));
                }
            }
            registered.get_or_insert_with(|| Registered::new(self));
            if seen.changed().await.is_err() {
                return Err(closed());
            }
        }
    }

    /// Listens to the server until the store is closed, at first on a connection that is there.
    pub(crate) async fn watch(self: Arc<Self>, server: Arc<Server>, first: Option<Listener>) {
        let mut closed = self.closed.subscribe();
        let watching = async {
            let mut backoff = Backoff::new(Duration::MAX);
            let mut connected = first;
            loop {
                let listener = match connected.take() {
                    Some(listener) => Ok(listener),
                    None => Listener::connect(&server).await,
                };
                let began = Instant::now();
                let fault = match listener {
                    Ok(listener) => self.follow(&server, listener).await,
                    Err(fault) => Some(fault),
                };
                // One that breaks at once, such as on tables that are gone, is no success.
                if began.elapsed() >= STEADY {
                    backoff = Backoff::new(Duration::MAX);
                }
                tracing::warn!(?fault, "cannot hear of new events; will connect again");
                if let Some(pause) = backoff.pause() {
                    tokio::time::sleep(pause).await;
                }
            }
        };
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => {}
            () = watching => {}
        }
    }

    /// Notes and makes announcements for as long as the connection lasts; gives what ended it.
    async fn follow(&self, server: &Server, listener: Listener) -> Option<Fault> {
        let Listener { session, mut heard } = listener;
        let session = &session;
        match session.listen().await {
            Ok(()) => {}
            // A replica announces nothing, so its log is only looked at.
            Err(fault) if fault.is_read_only() => {
                tracing::debug!(?fault, "events are found by looking for them");
            }
            Err(fault) => return Some(fault),
        }
        let (class, name) = (LISTENERS, server.schema.name());
        if let Err(fault) = session.query(JOIN, &[&class, &name]).await {
            return Some(fault);
        }
        // What happened before the listening began was announced to nobody.
        if let Err(fault) = self.look(session).await {
            return Some(fault);
        }
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut poll = tokio::time::interval(server.options.poll_interval);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut to_announce = false;
        let mut looked_around = None;
        loop {
            let outcome = tokio::select! {
                note = heard.recv() => match note {
                    None => return None,
                    Some(note) => {
                        self.saw(note.parse().unwrap_or(0));
                        Ok(())
                    }
                },
                () = self.committed.notified(), if !to_announce => {
                    to_announce = true;
                    Ok(())
                }
                _ = pace.tick(), if to_announce => {
                    to_announce = false;
                    let announced = self.announce(server, session, &mut looked_around).await;
                    announced.map(|heard| {
                        if !heard {
                            pace.reset_after(LOOK_AROUND);
                        }
                    })
                }
                () = self.joined.notified() => self.look(session).await,
                _ = poll.tick(), if self.waiting.load(Ordering::Relaxed) > 0 => {
                    self.look(session).await
                }
            };
            if let Err(fault) = outcome {
                return Some(fault);
            }
        }
    }

    /// Tells other processes how long the log is, if there are any: once for all that was committed
    /// meanwhile, and outside of the appends, which would have to wait for each other.
    async fn announce(
        &self,
        server: &Server,
        session: &Session,
        looked_around: &mut Option<Instant>,
    ) -> Result<bool, Fault> {
        let name = server.schema.name();
        if looked_around.is_none_or(|looked| looked.elapsed() >= LOOK_AROUND) {
            let others = session.query(OTHERS, &[&i64::from(LISTENERS), &name]).await?;
            *looked_around = (!others.is_empty()).then(Instant::now);
        }
        let heard = looked_around.is_some();
        if heard {
            let head = self.seen.borrow().head.to_string();
            session.query("SELECT pg_notify($1, $2)", &[&name, &head]).await?;
        }
        Ok(heard)
    }

    async fn look(&self, session: &Session) -> Result<(), Fault> {
        self.saw(read_head(session).await?.get());
        Ok(())
    }

    /// Notes a head that readers can see; says whether it is new.
    fn saw(&self, head: u64) -> bool {
        self.seen.send_if_modified(|seen| {
            let newer = head > seen.head;
            if newer {
                seen.head = head;
            }
            newer
        })
    }
}

/// Counts one waiter for as long as it waits, also when its future is dropped.
struct Registered<'a>(&'a Heads);

impl<'a> Registered<'a> {
    fn new(heads: &'a Heads) -> Self {
        heads.waiting.fetch_add(1, Ordering::Relaxed);
        heads.joined.notify_one();
        Self(heads)
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The error of a store that was closed.
pub(crate) fn closed() -> StoreError {
    StoreError::Closed { reason: "it was shut down: connect again".to_owned() }
}

/// Whoever listens says so by a lock that all share.
const JOIN: &str = "SELECT pg_advisory_lock_shared($1, n.oid::bigint::bit(32)::integer) \
     FROM pg_namespace AS n WHERE n.nspname = $2";

/// An announcement that nobody hears costs as much as one that is heard, so it is not made.
const OTHERS: &str = "SELECT 1 FROM pg_locks AS l WHERE l.locktype = 'advisory' \
     AND l.objsubid = 2 AND l.classid = ($1::bigint)::oid \
     AND l.objid = (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = $2) \
     AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()) \
     AND l.granted AND l.pid <> pg_backend_pid() LIMIT 1";

/// The class of the locks of those who listen to a ledger.
const LISTENERS: i32 = 0x4C75_6C73;

/// A connection that lasted so long was a good one: the next one is made without much of a pause.
const STEADY: Duration = Duration::from_secs(5);

/// The shortest time between two announcements.
const PACE: Duration = Duration::from_millis(5);

/// How long it may take until a process that begins to listen is noticed; it looks at the log by
/// itself until then.
const LOOK_AROUND: Duration = Duration::from_secs(1);
