//! When a projector has seen what.
//!
//! Invariant: recording a sighting takes no lock, so that it does not change what is measured.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Tickets that can be out at a time.
const TICKETS: usize = 1 << 20;

static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
static COUNT: AtomicU64 = AtomicU64::new(0);
static NEXT: AtomicU64 = AtomicU64::new(1);
static SEEN: [AtomicU64; TICKETS] = [const { AtomicU64::new(0) }; TICKETS];
static ACKNOWLEDGED: [AtomicU64; TICKETS] = [const { AtomicU64::new(0) }; TICKETS];

/// A projector has seen an event; 0 is the ticket of those that nobody waits for.
pub fn saw(ticket: u64) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    if let Some(place) = place(ticket) {
        SEEN[place].store(now(), Ordering::Relaxed);
    }
}

/// How many events were seen since [`forget`].
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Begins anew.
pub fn forget() {
    COUNT.store(0, Ordering::Relaxed);
    NEXT.store(1, Ordering::Relaxed);
    for place in SEEN.iter().chain(&ACKNOWLEDGED) {
        place.store(0, Ordering::Relaxed);
    }
}

/// A ticket for an event that somebody waits for.
pub fn ticket() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The caller knows that the event is committed.
pub fn acknowledged(ticket: u64) {
    if let Some(place) = place(ticket) {
        ACKNOWLEDGED[place].store(now(), Ordering::Relaxed);
    }
}

/// From acknowledgement to sighting, for every acknowledged event; `None` is an event not seen yet.
/// An event that was seen first took no time.
pub fn delays() -> Vec<Option<Duration>> {
    let issued = usize::try_from(NEXT.load(Ordering::Relaxed)).unwrap_or(TICKETS).min(TICKETS);
    let pairs = ACKNOWLEDGED[1..issued].iter().zip(&SEEN[1..issued]);
    let pairs =
        pairs.map(|(acked, seen)| (acked.load(Ordering::Relaxed), seen.load(Ordering::Relaxed)));
    let acknowledged = pairs.filter(|(acked, _)| *acked > 0);
    acknowledged
        .map(|(acked, seen)| (seen > 0).then(|| Duration::from_nanos(seen.saturating_sub(acked))))
        .collect()
}

fn place(ticket: u64) -> Option<usize> {
    usize::try_from(ticket).ok().filter(|place| (1..TICKETS).contains(place))
}

fn now() -> u64 {
    u64::try_from(ORIGIN.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}
