//! States of aggregates kept between commands.
//!
//! Invariant: a cached state is never trusted. An append that is decided on it names its version,
//! so a stale state costs a retry and nothing else; and the commands of one process on one
//! aggregate are decided one after another, in its slot.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    hash::BuildHasher as _,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use foldhash::fast::RandomState;
use lru::LruCache;

use crate::{aggregate::Aggregate, app::line::Slot, id::AggregateId as _, stream::InvalidStreamId};

/// The caches of every type of aggregate.
pub(crate) struct Caches {
    capacity: usize,
    by_type: RwLock<HashMap<TypeId, Box<dyn Any + Send + Sync>, RandomState>>,
}

impl Caches {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, by_type: RwLock::default() }
    }

    /// The slot of an aggregate; a new one if the cache does not hold it.
    ///
    /// It is found by the id itself, so that a stream's name is put together once and not for each
    /// command.
    pub(crate) fn slot<A: Aggregate>(&self, id: &A::Id) -> Result<Arc<Slot<A>>, InvalidStreamId> {
        let key = TypeId::of::<A>();
        let slot = |any: &Box<dyn Any + Send + Sync>| {
            let cache = any.downcast_ref::<Cache<A>>();
            cache.expect("the map's key is the type of its value").slot(id)
        };
        if let Some(cache) = self.by_type.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
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

type Shard<A> = Mutex<LruCache<<A as Aggregate>::Id, Arc<Slot<A>>>>;

struct Cache<A: Aggregate> {
    hasher: RandomState,
    shards: [Shard<A>; SHARDS],
}

impl<A: Aggregate> Cache<A> {
    fn new(capacity: usize) -> Self {
        let each = NonZeroUsize::new(capacity / SHARDS).unwrap_or(NonZeroUsize::MIN);
        let shards = std::array::from_fn(|_| Mutex::new(LruCache::new(each)));
        Self { hasher: RandomState::default(), shards }
    }

    fn slot(&self, id: &A::Id) -> Result<Arc<Slot<A>>, InvalidStreamId> {
        let shard = usize::try_from(self.hasher.hash_one(id) % SHARDS as u64).unwrap_or_default();
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = shard.get(id) {
            return Ok(Arc::clone(slot));
        }
        let slot = Arc::new(Slot::new(id.stream_id()?));
        shard.put(id.clone(), Arc::clone(&slot));
        Ok(slot)
    }
}
