//! Leases in memory.
//!
//! Invariant: a token is never given twice for a name; time is monotonic, and runs ahead where a
//! test's clock does.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::store::{Fence, HeldLease, LeaseOutcome, lease_micros};

/// Every lease that was ever granted, by name.
#[derive(Default)]
pub(super) struct Leases(BTreeMap<Arc<str>, Lease>);

#[derive(Default)]
struct Lease {
    token: u64,
    holder: Option<Holder>,
}

struct Holder {
    name: Arc<str>,
    expires: Instant,
}

impl Leases {
    pub(super) fn acquire(&mut self, name: &str, holder: &str, duration: Duration) -> LeaseOutcome {
        let name: Arc<str> = name.into();
        let lease = self.0.entry(Arc::clone(&name)).or_default();
        let now = Instant::now();
        let again = lease.holder.as_ref().is_some_and(|standing| *standing.name == *holder);
        if !again {
            if let Some(held) = lease.held(&name, now) {
                return LeaseOutcome::Held(held);
            }
            lease.token += 1;
        }
        lease.holder = Some(Holder { name: holder.into(), expires: end(now, duration) });
        LeaseOutcome::Granted(Fence { lease: name, token: lease.token })
    }

    pub(super) fn renew(&mut self, fences: &[Fence], duration: Duration) -> Vec<Fence> {
        let expires = end(Instant::now(), duration);
        let mut lost = Vec::new();
        for fence in fences {
            match self.current(fence) {
                Some(holder) => holder.expires = expires,
                None => lost.push(fence.clone()),
            }
        }
        lost
    }

    pub(super) fn release(&mut self, fence: &Fence) {
        if self.current(fence).is_some()
            && let Some(lease) = self.0.get_mut(&fence.lease)
        {
            lease.holder = None;
        }
    }

    pub(super) fn held(&self, prefix: &str) -> Vec<HeldLease> {
        let now = Instant::now();
        let named = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        named.filter_map(|(name, lease)| lease.held(name, now)).collect()
    }

    /// Checks a fence; an error says who holds the lease now.
    pub(super) fn check(&self, fence: &Fence) -> Result<(), Option<Arc<str>>> {
        let lease = self.0.get(&fence.lease);
        let holder = lease.and_then(|lease| lease.holder.as_ref());
        match (lease, holder) {
            (Some(lease), Some(_)) if lease.token == fence.token => Ok(()),
            (_, holder) => Err(holder.map(|holder| Arc::clone(&holder.name))),
        }
    }

    /// The holder, if the fence is the current one; whether its time has run out or not.
    fn current(&mut self, fence: &Fence) -> Option<&mut Holder> {
        let lease = self.0.get_mut(&fence.lease)?;
        lease.holder.as_mut().filter(|_| lease.token == fence.token)
    }
}

impl Lease {
    fn held(&self, name: &Arc<str>, now: Instant) -> Option<HeldLease> {
        let holder = self.holder.as_ref().filter(|holder| holder.expires > now)?;
        Some(HeldLease {
            fence: Fence { lease: Arc::clone(name), token: self.token },
            holder: Arc::clone(&holder.name),
            remaining: holder.expires - now,
        })
    }
}

fn end(now: Instant, duration: Duration) -> Instant {
    now + Duration::from_micros(lease_micros(duration).unsigned_abs())
}
