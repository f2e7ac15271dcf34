//! The proxy, and the commands that it obeys.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};

use super::{
    connection,
    flow::{Direction, Fault, Flow, Trap, Way},
};

/// A TCP proxy on the loopback interface whose connections fail on command.
///
/// Commands hold for all connections, those that are open and those to come, until
/// [`resume`](Self::resume) lifts them. Dropping it cuts every connection and frees its port.
pub struct FaultyNetwork {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

/// What the proxy and its connections share.
pub(crate) struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    counts: watch::Sender<Counts>,
}

#[derive(Default)]
struct State {
    /// How new connections begin.
    flow: Flow,
    connections: Vec<Weak<watch::Sender<Flow>>>,
    traps: Vec<Trap>,
}

/// What tests wait for.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    opened: usize,
    open: usize,
    held_to_client: usize,
    held_to_server: usize,
}

impl FaultyNetwork {
    /// Starts a proxy in front of a server, which need not answer yet. It runs on the runtime of the
    /// caller.
    ///
    /// # Errors
    /// If no port of the loopback interface can be listened at.
    pub async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            state: Mutex::default(),
            counts: watch::Sender::new(Counts::default()),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, accepting })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection; new ones are closed as soon as they are opened.
    pub fn cut(&self) {
        self.command(|flow| flow.cut = true);
    }

    /// Cuts the connections that are open; new ones are as they would be otherwise.
    pub fn cut_open(&self) {
        let state = self.shared.lock();
        for connection in state.connections.iter().filter_map(Weak::upgrade) {
            connection.send_modify(|flow| flow.cut = true);
        }
    }

    /// Holds back what goes this way. Connections can still be opened.
    pub fn stall(&self, direction: Direction) {
        self.command(|flow| flow.way_mut(direction).stalled = true);
    }

    /// Passes on what goes this way only after a while; zero is at once.
    pub fn delay(&self, direction: Direction, by: Duration) {
        self.command(|flow| flow.way_mut(direction).delay = by);
    }

    /// Tells the receivers that nothing follows, and loses what is sent this way from now on. The other
    /// way stays open.
    pub fn half_close(&self, direction: Direction) {
        self.command(|flow| flow.way_mut(direction).ended = true);
    }

    /// Lifts every command and disarms what waits for bytes. What was held back is passed on; what was
    /// cut or half-closed stays so.
    pub fn resume(&self) {
        for trap in self.shared.lock().traps.drain(..) {
            trap.struck.notify_one();
        }
        self.command(|flow| {
            for direction in [Direction::ToClient, Direction::ToServer] {
                let Way { ended, .. } = flow.way(direction);
                *flow.way_mut(direction) = Way { ended, ..Way::default() };
            }
            for struck in [flow.answer_held.take(), flow.answer_lost.take()] {
                struck.inspect(|struck| struck.notify_one());
            }
        });
        self.shared.lock().flow = Flow::default();
    }

    /// Has a fault strike, once, the first connection on which these bytes are on their way to the
    /// server. The future ends when it has struck: the connection is cut, or the answer is held back;
    /// or when it was disarmed. Dropping it disarms nothing.
    ///
    /// # Panics
    /// If there are none, or more than 1024.
    pub fn on(&self, bytes: &[u8], fault: Fault) -> impl Future<Output = ()> + Send + use<> {
        self.set(bytes, 0, fault)
    }

    /// As [`on`](Self::on), but the fault strikes what the client sends next after these bytes, such as
    /// the statement that commits what they are in.
    ///
    /// # Panics
    /// If there are none, or more than 1024.
    pub fn on_next(&self, bytes: &[u8], fault: Fault) -> impl Future<Output = ()> + Send + use<> {
        self.set(bytes, 1, fault)
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.counts.borrow().open
    }

    /// How many connections have been opened so far.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.shared.counts.borrow().opened
    }

    /// Waits until this many connections have been opened, counted from the start. Cancel safe.
    pub async fn until_opened(&self, count: usize) {
        self.until(|counts| counts.opened >= count).await;
    }

    /// Waits until something is held back on its way in this direction. Cancel safe.
    pub async fn until_held(&self, direction: Direction) {
        self.until(|counts| counts.held(direction) > 0).await;
    }

    fn set(
        &self,
        bytes: &[u8],
        later: usize,
        fault: Fault,
    ) -> impl Future<Output = ()> + Send + use<> {
        let trap = Trap::new(bytes, later, fault);
        let struck = Arc::clone(&trap.struck);
        self.shared.lock().traps.push(trap);
        async move { struck.notified().await }
    }

    fn command(&self, change: impl Fn(&mut Flow)) {
        let mut state = self.shared.lock();
        change(&mut state.flow);
        state.connections.retain(|connection| connection.strong_count() > 0);
        for connection in state.connections.iter().filter_map(Weak::upgrade) {
            connection.send_modify(&change);
        }
    }

    async fn until(&self, holds: impl Fn(&Counts) -> bool) {
        let mut counts = self.shared.counts.subscribe();
        // It cannot fail, since the sender is shared with this value.
        drop(counts.wait_for(holds).await);
    }
}

impl Drop for FaultyNetwork {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl fmt::Debug for FaultyNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyNetwork")
            .field("address", &self.address)
            .field("server", &self.shared.server)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The fault whose bytes have just passed, and which is not armed any more.
    pub(crate) fn sprung(&self, passed: &[u8]) -> Option<Trap> {
        let mut state = self.lock();
        let index = state.traps.iter().position(|trap| trap.sees(passed))?;
        Some(state.traps.remove(index))
    }

    /// Notes that something is held back, until the guard is dropped.
    pub(crate) fn holding(&self, direction: Direction) -> Holding<'_> {
        self.counts.send_modify(|counts| *counts.held_mut(direction) += 1);
        Holding { shared: self, direction }
    }

    fn begin(&self) -> Arc<watch::Sender<Flow>> {
        let mut state = self.lock();
        let flow = Arc::new(watch::Sender::new(state.flow.clone()));
        state.connections.push(Arc::downgrade(&flow));
        drop(state);
        self.counts.send_modify(|counts| {
            counts.opened += 1;
            counts.open += 1;
        });
        flow
    }

    fn end(&self) {
        self.counts.send_modify(|counts| counts.open -= 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is held back.
pub(crate) struct Holding<'a> {
    shared: &'a Shared,
    direction: Direction,
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.shared.counts.send_modify(|counts| *counts.held_mut(self.direction) -= 1);
    }
}

impl Counts {
    fn held(&self, direction: Direction) -> usize {
        match direction {
            Direction::ToClient => self.held_to_client,
            Direction::ToServer => self.held_to_server,
        }
    }

    fn held_mut(&mut self, direction: Direction) -> &mut usize {
        match direction {
            Direction::ToClient => &mut self.held_to_client,
            Direction::ToServer => &mut self.held_to_server,
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // An error is about one connection that went away before it was accepted.
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let flow = shared.begin();
            if !flow.borrow().cut
                && let Ok(server) = TcpStream::connect(shared.server).await
            {
                connection::run(client, server, &flow, &shared).await;
            }
            shared.end();
        });
    }
}
