//! States of aggregates kept between commands.
//!
//! Invariant: a cached state is never trusted. An append that is decided on it names its version,
//! so a stale state costs a retry and nothing else; and the commands of one process on one
//! aggregate are decided one after another, in its slot.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use foldhash::fast::RandomState;
use lru::LruCache;

use crate::{aggregate::Aggregate, app::line::Slot, stream::StreamId};

/// The caches of every type of aggregate.
pub(crate) struct Caches {
    capacity: usize,
    by_type: RwLock<HashMap<TypeId, Box<dyn Any + Send + Sync>, RandomState>>,
}

impl Caches {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, by_type: RwLock::default() }
    }

    /// The slot of a stream; a new one if the cache does not hold it.
    pub(crate) fn slot<A: Aggregate>(&self, stream: &StreamId) -> Arc<Slot<A>> {
        let key = TypeId::of::<A>();
        let slot = |any: &Box<dyn Any + Send + Sync>| {
            let cache = any.downcast_ref::<Cache<A>>();
            cache.expect("the map's key is the type of its value").slot(stream)
        };
        if let Some(cache) =
            self.by_type.read().unwrap_or_else(PoisonError::into_inner).get(&key)
        {
            return slot(cache);
        }
        let mut by_type = self.by_type.write().unwrap_or_else(PoisonError::into_inner);
        slot(by_type.entry(key).or_insert_with(|| Box::new(Cache::<A>::new(self.capacity))))
    }
}

impl fmt::Debug for Caches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caches(capacity {})", self.capacity)
    }
}

const SHARDS: usize = 16;

struct Cache<A> {
    shards: [Mutex<LruCache<StreamId, Arc<Slot<A>>>>; SHARDS],
}

impl<A: Aggregate> Cache<A> {
    fn new(capacity: usize) -> Self {
        let each = NonZeroUsize::new(capacity / SHARDS).unwrap_or(NonZeroUsize::MIN);
        let shards = std::array::from_fn(|_| Mutex::new(LruCache::new(each)));
        Self { shards }
    }

    fn slot(&self, stream: &StreamId) -> Arc<Slot<A>> {
        let mut shard =
            self.shards[shard_of(stream)].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = shard.get(stream) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::new());
        shard.put(stream.clone(), Arc::clone(&slot));
        slot
    }
}

/// Spreads streams over the shards by the end of their names, where ids differ most.
fn shard_of(stream: &StreamId) -> usize {
    let end = stream.as_str().bytes().rev().take(8);
    end.fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % SHARDS
}
