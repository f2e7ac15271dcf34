//! Notices that a part of the log is gone, as when a partition was detached.
//!
//! Invariant: a page in which numbers are missing that were given out is never passed on; nor is one that
//! was looked for in partitions of which one is gone.

use std::collections::HashSet;

use lucent_core::RecordedEvent;
use tokio_postgres::Row;

use crate::{
    connect::Session,
    fault::Fault,
    row::{from_sql, to_sql},
    schema::refuse_missing_partitions,
};

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

/// Refuses events that were found by their tags and are not there: they have no position then.
pub(super) fn refuse_lost(rows: &[Row]) -> Result<(), Fault> {
    for row in rows {
        if row.try_get::<_, Option<i64>>(0)?.is_none() {
            return Err(gap("the log", from_sql(row.try_get("wanted")?)));
        }
    }
    Ok(())
}

/// Refuses to have looked for events in a range that the log has reached, if a partition of it is gone or
/// empty: each in which nothing was found must hold the first position that the range has there.
pub(super) async fn refuse_missing(
    session: &Session,
    after: u64,
    through: u64,
    found: impl Iterator<Item = u64>,
) -> Result<(), Fault> {
    let Some(size) = session.layout().partition_size() else {
        return Ok(());
    };
    let firsts = firsts(after, through, size, found);
    if firsts.is_empty() {
        return Ok(());
    }
    match session.query(MISSING, &[&firsts]).await?.first() {
        Some(row) => Err(gap("the log", from_sql(row.try_get(0)?))),
        None => Ok(()),
    }
}

/// Refuses a log that ends before a position that it had reached when it was read, unless it lacks no
/// partition: a replica may be behind.
pub(super) async fn refuse_shorter(session: &Session, reached: u64, end: u64) -> Result<(), Fault> {
    if end < reached {
        refuse_missing_partitions(session).await?;
    }
    Ok(())
}

/// The first position of a range in each of its partitions but those in which something was found.
fn firsts(after: u64, through: u64, size: u64, found: impl Iterator<Item = u64>) -> Vec<i64> {
    let partition = |position: u64| position.saturating_sub(1) / size;
    let there: HashSet<u64> = found.map(partition).collect();
    let starts = (after / size + 1..through.div_ceil(size)).map(|number| number * size + 1);
    let first = (after < through).then_some(after + 1);
    let firsts = first.into_iter().chain(starts);
    firsts.filter(|first| !there.contains(&partition(*first))).map(to_sql).collect()
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

/// Scalar subqueries, each of which looks at one partition.
const MISSING: &str = "SELECT f.first FROM unnest($1::bigint[]) AS f(first) \
     WHERE (SELECT e.position FROM {schema}.events AS e WHERE e.position = f.first) IS NULL \
     ORDER BY f.first LIMIT 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_of_a_range_in_which_nothing_was_found_must_hold_its_first_position() {
        for (after, through, found, expected) in [
            (0, 0, &[][..], &[][..]),
            (7, 7, &[], &[]),
            (9, 7, &[], &[]),
            (0, 1, &[], &[1]),
            (0, 100, &[], &[1]),
            (0, 101, &[], &[1, 101]),
            (99, 100, &[], &[100]),
            (100, 101, &[], &[101]),
            (100, 200, &[], &[101]),
            (150, 350, &[], &[151, 201, 301]),
            (150, 350, &[200, 301], &[201]),
            (150, 350, &[201, 300], &[151, 301]),
        ] {
            let wanted = firsts(after, through, 100, found.iter().copied());
            assert_eq!(wanted, expected, "{after} to {through}, {found:?} found");
        }
    }

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
