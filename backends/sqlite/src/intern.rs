//! Names of event types, each kept once for as long as the process runs.
//!
//! Invariant: the number and length of kept names are bounded, so a hostile log cannot exhaust
//! memory; other names are owned by their events.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

/// The name as an event carries it: shared, unless the process knows too many already.
pub(crate) fn event_type(name: &str) -> Cow<'static, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(&known) = known.get(name) {
        return Cow::Borrowed(known);
    }
    drop(known);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(&known) = known.get(name) {
        return Cow::Borrowed(known);
    }
    if name.len() > LENGTH || known.len() >= NAMES {
        return Cow::Owned(name.to_owned());
    }
    // A domain has tens of event types; keeping their names saves an allocation per read event.
    let kept: &'static str = Box::leak(Box::from(name));
    known.insert(kept);
    Cow::Borrowed(kept)
}

static KNOWN: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());

/// How many names are kept.
const NAMES: usize = 1_024;

/// The longest name that is kept, in bytes.
const LENGTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shared_up_to_a_bound() {
        assert!(matches!(event_type("Opened"), Cow::Borrowed("Opened")));
        let long = "x".repeat(LENGTH + 1);
        assert!(matches!(event_type(&long), Cow::Owned(name) if name == long));
        for number in 0..NAMES {
            assert_eq!(event_type(&format!("Name{number}")), format!("Name{number}"));
        }
        assert!(matches!(event_type("OneMore"), Cow::Owned(_)));
        assert!(matches!(event_type("Opened"), Cow::Borrowed("Opened")));
    }
}
