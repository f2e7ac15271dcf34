//! One connection: two pumps, one for each way, which watch what they are told.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use super::{
    flow::{Direction, Fault, Flow, LONGEST, Trap},
    proxy::Shared,
};

/// Passes on what both sides send, until both have ended or the connection is cut.
pub(crate) async fn run(
    client: TcpStream,
    server: TcpStream,
    flow: &watch::Sender<Flow>,
    shared: &Shared,
) {
    // Pieces are passed on as they come, as clients of databases send them.
    for end in [&client, &server] {
        drop(end.set_nodelay(true));
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let pump = |direction| Pump { direction, flow, shared, passed: Vec::new(), due: None };
    let sent = pump(Direction::ToServer).run(from_client, to_server);
    let answered = pump(Direction::ToClient).run(from_server, to_client);
    let mut watched = flow.subscribe();
    tokio::select! {
        // An error means that one side is gone, and then the other one is to notice.
        _ = async { tokio::try_join!(sent, answered) } => {}
        () = until(&mut watched, |flow| flow.cut) => {}
    }
}

/// Passes on what goes one way.
struct Pump<'a> {
    direction: Direction,
    flow: &'a watch::Sender<Flow>,
    shared: &'a Shared,
    /// The end of what has passed, for bytes that come in two pieces.
    passed: Vec<u8>,
    /// A fault whose bytes have passed and that strikes later.
    due: Option<Trap>,
}

impl Pump<'_> {
    async fn run(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let direction = self.direction;
        let mut flow = self.flow.subscribe();
        let mut piece = vec![0; PIECE];
        let mut ended = false;
        loop {
            let length = tokio::select! {
                length = from.read(&mut piece) => length?,
                () = until(&mut flow, |flow| flow.way(direction).ended), if !ended => {
                    ended = true;
                    to.shutdown().await?;
                    continue;
                }
            };
            if length == 0 {
                if !ended {
                    to.shutdown().await?;
                }
                return Ok(());
            }
            self.strike(&piece[..length])?;
            self.hold(&mut flow).await;
            // What is sent after the end is lost.
            if !flow.borrow().way(direction).ended {
                to.write_all(&piece[..length]).await?;
            }
        }
    }

    /// Does what is to be done when these bytes are there.
    fn strike(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.direction == Direction::ToClient {
            let lost = self.flow.borrow().answer_lost.clone();
            return lost.map_or(Ok(()), |struck| Err(self.cut(&struck)));
        }
        self.passed.extend_from_slice(piece);
        let sprung = self.due.take().or_else(|| self.shared.sprung(&self.passed));
        let kept = usize::min(self.passed.len(), LONGEST - 1);
        self.passed.drain(..self.passed.len() - kept);
        let Some(mut trap) = sprung else { return Ok(()) };
        self.passed.clear();
        if trap.later > 0 {
            trap.later -= 1;
            self.due = Some(trap);
            return Ok(());
        }
        match trap.fault {
            Fault::HoldAnswer => self.flow.send_modify(|flow| {
                flow.to_client.stalled = true;
                flow.answer_held = Some(trap.struck);
            }),
            Fault::LoseAnswer => self.flow.send_modify(|flow| flow.answer_lost = Some(trap.struck)),
            Fault::LoseRequest => return Err(self.cut(&trap.struck)),
        }
        Ok(())
    }

    fn cut(&self, struck: &tokio::sync::Notify) -> io::Error {
        self.flow.send_modify(|flow| flow.cut = true);
        struck.notify_one();
        io::ErrorKind::ConnectionAborted.into()
    }

    /// Waits for as long as this way is stalled, and then for its delay.
    async fn hold(&self, flow: &mut watch::Receiver<Flow>) {
        let way = flow.borrow_and_update().way(self.direction);
        if way.stalled {
            let _holding = self.shared.holding(self.direction);
            if self.direction == Direction::ToClient
                && let Some(struck) = &flow.borrow().answer_held
            {
                struck.notify_one();
            }
            until(flow, |flow| {
                let way = flow.way(self.direction);
                !way.stalled || way.ended
            })
            .await;
        }
        if !way.delay.is_zero() {
            tokio::time::sleep(way.delay).await;
        }
    }
}

async fn until(flow: &mut watch::Receiver<Flow>, holds: impl FnMut(&Flow) -> bool) {
    // It cannot fail, since the sender outlives the connection.
    drop(flow.wait_for(holds).await);
}

/// How much is read at a time.
const PIECE: usize = 64 << 10;
