//! Times come back to the microsecond; the store sets none of its own.

use crate::conformance::vocabulary::*;

async fn times_come_back(store: &Handle, micros: &[i64]) {
    let times: Vec<_> = micros.iter().map(|&micros| Timestamp::from_micros(micros)).collect();
    let events = times.iter().map(|&recorded_at| NewEvent { recorded_at, ..event("Happened") });
    store.write("a-1", events.collect()).await;
    let found = store.stream("a-1").await;
    assert_eq!(found.iter().map(|event| event.recorded_at).collect::<Vec<_>>(), times);
}

/// Microseconds are kept.
pub async fn microseconds_are_kept(subject: Subject) {
    let micros = [MOMENT, MOMENT + 1, MOMENT + 999, MOMENT + 1_001, 1, 999_999];
    times_come_back(&subject.store(), &micros).await;
}

/// Times before 1970 are kept.
pub async fn times_before_1970_are_kept(subject: Subject) {
    times_come_back(&subject.store(), &[-1, 0, -1_000_001, -MOMENT]).await;
}

/// The first and the last time of the calendar are kept.
pub async fn the_ends_of_the_calendar_are_kept(subject: Subject) {
    times_come_back(&subject.store(), &[i64::MIN, i64::MAX]).await;
}

/// A clock that goes back changes neither the times nor the order of events.
pub async fn a_clock_that_goes_back_changes_no_order(subject: Subject) {
    let micros = [MOMENT, MOMENT - 5_000_000, MOMENT, MOMENT + 1, MOMENT - 1];
    times_come_back(&subject.store(), &micros).await;
    assert_eq!(versions(&subject.store().log().await), [1, 2, 3, 4, 5]);
}
