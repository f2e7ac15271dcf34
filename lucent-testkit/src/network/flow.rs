//! What a connection does with the bytes that pass, and what makes it do something else.
//!
//! Invariant: bytes that are passed on keep their order, and none is passed on twice.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the server to the client.
    ToClient,
    /// From the client to the server.
    ToServer,
}

/// What happens to a connection when certain bytes are on their way to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The bytes arrive, and from then on what the server answers is held back.
    HoldAnswer,
    /// The bytes arrive, and the connection is cut once the server has answered; the answer is lost.
    LoseAnswer,
    /// The connection is cut before the bytes arrive.
    LoseRequest,
}

/// What a connection does now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) cut: bool,
    /// The connection is cut at the next answer.
    pub(crate) answer_lost: Option<Arc<Notify>>,
    /// Somebody wants to know when an answer is held back.
    pub(crate) answer_held: Option<Arc<Notify>>,
    pub(crate) to_client: Way,
    pub(crate) to_server: Way,
}

/// What a connection does with the bytes that go one way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    pub(crate) stalled: bool,
    /// The receiver is told that nothing follows.
    pub(crate) ended: bool,
    pub(crate) delay: Duration,
}

impl Flow {
    pub(crate) fn way(&self, direction: Direction) -> Way {
        match direction {
            Direction::ToClient => self.to_client,
            Direction::ToServer => self.to_server,
        }
    }

    pub(crate) fn way_mut(&mut self, direction: Direction) -> &mut Way {
        match direction {
            Direction::ToClient => &mut self.to_client,
            Direction::ToServer => &mut self.to_server,
        }
    }
}

/// A fault that waits for its bytes.
#[derive(Debug)]
pub(crate) struct Trap {
    bytes: Vec<u8>,
    /// How many pieces pass between the bytes and what it strikes.
    pub(crate) later: usize,
    pub(crate) fault: Fault,
    pub(crate) struck: Arc<Notify>,
}

impl Trap {
    pub(crate) fn new(bytes: &[u8], later: usize, fault: Fault) -> Self {
        let known = 1..=LONGEST;
        assert!(known.contains(&bytes.len()), "a fault waits for 1 to {LONGEST} bytes");
        Self { bytes: bytes.to_vec(), later, fault, struck: Arc::default() }
    }

    /// Whether its bytes are among those that passed last.
    pub(crate) fn sees(&self, passed: &[u8]) -> bool {
        passed.windows(self.bytes.len()).any(|window| window == self.bytes)
    }
}

/// How many bytes a fault can wait for.
pub(crate) const LONGEST: usize = 1_024;
