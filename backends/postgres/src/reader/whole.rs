//! Notices that a part of the log is gone, as when a partition was detached.
//!
//! Invariant: a page in which numbers are missing that were given out is never passed on.

use lucent_core::RecordedEvent;

use crate::fault::Fault;

/// Refuses a page whose numbers do not follow each other, or do not go from the first to the last one
/// that it must have, where these are known.
pub(super) fn refuse_gap(
    what: &str,
    order: Order,
    numbers: impl Iterator<Item = u64>,
    first: Option<u64>,
    last: Option<u64>,
) -> Result<(), Fault> {
    let (mut expected, mut reached) = (first, None);
    for number in numbers {
        if let Some(missing) = expected.filter(|expected| *expected != number) {
            return Err(gap(what, missing));
        }
        reached = Some(number);
        expected = match order {
            Order::Forward => number.checked_add(1),
            Order::Backward => number.checked_sub(1),
        };
    }
    match last {
        Some(last) if reached != Some(last) => Err(gap(what, expected.unwrap_or(last))),
        _ => Ok(()),
    }
}

/// The way a page was read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Forward,
    Backward,
}

/// The positions of events.
pub(super) fn positions(events: &[RecordedEvent]) -> impl Iterator<Item = u64> {
    events.iter().map(|event| event.position.get())
}

/// The versions of events.
pub(super) fn versions(events: &[RecordedEvent]) -> impl Iterator<Item = u64> {
    events.iter().map(|event| event.version.get())
}

fn gap(what: &str, missing: u64) -> Fault {
    Fault::damaged(
        format!("event {missing} of {what}"),
        "it is gone; if its partition of the table `events` was detached, attach it again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_with_gaps_are_refused() {
        use Order::{Backward, Forward};
        for (order, numbers, first, last, whole) in [
            (Forward, &[4, 5][..], Some(4), None, true),
            (Forward, &[4, 5], Some(4), Some(5), true),
            (Forward, &[], Some(4), None, true),
            (Forward, &[], Some(4), Some(5), false),
            (Forward, &[5, 6], Some(4), None, false),
            (Forward, &[4, 6], Some(4), None, false),
            (Forward, &[4], Some(4), Some(5), false),
            (Backward, &[3, 2, 1], None, Some(1), true),
            (Backward, &[3, 2], Some(3), None, true),
            (Backward, &[3, 2], None, Some(1), false),
            (Backward, &[3, 1], None, Some(1), false),
            (Backward, &[2, 1], Some(3), Some(1), false),
            (Backward, &[], Some(3), Some(1), false),
        ] {
            let page = refuse_gap("the log", order, numbers.iter().copied(), first, last);
            assert_eq!(page.is_ok(), whole, "{order:?} {numbers:?} {first:?} {last:?}");
        }
    }
}
