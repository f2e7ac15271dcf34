//! What the pages of a catch-up have changed, and the store does not have yet, and what it has.
//!
//! Invariant: of each document the newest change counts, and the next page starts from it; what is
//! gathered is stored as a whole, together with the checkpoint behind it, or forgotten as a whole. What was
//! stored is known only as long as nobody else can have moved the checkpoint.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use foldhash::fast::RandomState;
use tokio::time::Instant;

use crate::{
    position::Position,
    store::{Document, DocumentChange, DocumentKey, ProjectionId, ReadModelStore, StoreError},
};

/// Changes of documents that are stored later, so that one that changes often is written seldom.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    changed: Bodies,
    /// As the store has them, so that the next page need not look them up.
    stored: Bodies,
    /// How many events have led to what is changed.
    events: usize,
    /// Where the first of the pages began, and when it was taken.
    began: Option<(Position, Instant)>,
    is_closed: bool,
}

/// The bodies of documents; none of one that is removed.
#[derive(Debug, Default)]
struct Bodies {
    by_key: HashMap<DocumentKey, Option<Bytes>, RandomState>,
    bytes: usize,
}

impl Gathered {
    /// Nothing, and nothing is to be added: after a failure, each page is stored by itself until one
    /// was.
    pub(crate) fn closed() -> Self {
        Self { is_closed: true, ..Self::default() }
    }

    /// Whether a page had better be gathered, too. If there are many events for each document, the
    /// documents cost little, and are written while the next page is read.
    pub(crate) fn wants(&self, events: usize, changes: usize) -> bool {
        let documents = std::cmp::max(self.changed.by_key.len(), changes);
        !self.is_due() && self.events + events < ENOUGH_EVENTS * documents
    }

    /// Adds what a page of so many events has changed that began at this position.
    pub(crate) fn add(&mut self, from: Position, events: usize, changes: Vec<DocumentChange>) {
        self.events += events;
        self.began.get_or_insert_with(|| (from, Instant::now()));
        self.changed.extend(changes.into_iter().map(key_and_body));
    }

    /// Where the first of the pages began.
    pub(crate) fn began(&self) -> Option<Position> {
        self.began.map(|(from, _)| from)
    }

    /// Whether it is so much, or so old, that it is to be stored.
    pub(crate) fn is_due(&self) -> bool {
        let is_old = self.began.is_some_and(|(_, since)| since.elapsed() >= OLDEST);
        self.is_closed || is_old || self.changed.is_much()
    }

    /// The documents of these keys, in their order.
    pub(crate) async fn documents(
        &self,
        keys: &[DocumentKey],
        store: &dyn ReadModelStore,
        projection: &ProjectionId,
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut bodies: Vec<_> = keys.iter().map(|key| self.known(key)).collect();
        let missing = || keys.iter().zip(&bodies).filter(|(_, body)| body.is_none());
        let missing: Vec<_> = missing().map(|(key, _)| key.clone()).collect();
        if !missing.is_empty() {
            let mut found = store.documents(projection, &missing).await?.into_iter();
            let rest = bodies.iter_mut().filter(|body| body.is_none());
            rest.for_each(|body| *body = found.next());
        }
        Ok(bodies.into_iter().map(Option::flatten).collect())
    }

    /// What is gathered, and then changed by one more page.
    pub(crate) fn and(&self, changes: Vec<DocumentChange>) -> Vec<DocumentChange> {
        if self.changed.by_key.is_empty() {
            return changes;
        }
        // Keys and bodies are shared, not copied.
        let mut all = self.changed.by_key.clone();
        all.extend(changes.into_iter().map(key_and_body));
        let changes = all.into_iter().map(|(key, body)| match body {
            Some(body) => DocumentChange::Put(Document { key, body }),
            None => DocumentChange::Delete(key),
        });
        changes.collect()
    }

    /// Everything is stored now, with these changes in place of what was gathered.
    pub(crate) fn stored(&mut self, changes: impl IntoIterator<Item = DocumentChange>) {
        let mut stored = std::mem::take(&mut self.stored);
        stored.extend(changes.into_iter().map(key_and_body));
        if stored.is_much() {
            stored = Bodies::default();
        }
        *self = Self { stored, ..Self::default() };
    }

    /// What a document is, if that is known: nothing if there is none.
    fn known(&self, key: &DocumentKey) -> Option<Option<Bytes>> {
        self.changed.by_key.get(key).or_else(|| self.stored.by_key.get(key)).cloned()
    }
}

impl Bodies {
    fn extend(&mut self, changes: impl Iterator<Item = (DocumentKey, Option<Bytes>)>) {
        for (key, body) in changes {
            self.bytes += body.as_ref().map_or(0, Bytes::len);
            let before = self.by_key.insert(key, body).flatten();
            self.bytes -= before.map_or(0, |body| body.len());
        }
    }

    fn is_much(&self) -> bool {
        self.bytes >= MOST_BYTES || self.by_key.len() >= MOST_DOCUMENTS
    }
}

fn key_and_body(change: DocumentChange) -> (DocumentKey, Option<Bytes>) {
    match change {
        DocumentChange::Put(Document { key, body }) => (key, Some(body)),
        DocumentChange::Delete(key) => (key, None),
    }
}

/// How long a page may wait to be stored: that is what a crash has the projection repeat, and what
/// who waits for a position may wait in vain.
const OLDEST: Duration = Duration::from_secs(1);

/// How many events there are to be for each document that is written.
const ENOUGH_EVENTS: usize = 16;

/// How much is stored by one commit, beyond what the last page adds.
const MOST_BYTES: usize = 4 << 20;
const MOST_DOCUMENTS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory::MemoryStore, store::ProjectionCommit};

    fn put(key: &str, body: &'static str) -> DocumentChange {
        DocumentChange::Put(Document { key: key.into(), body: Bytes::from_static(body.as_bytes()) })
    }

    async fn texts(gathered: &Gathered, store: &MemoryStore, keys: &[&str]) -> Vec<Option<String>> {
        let keys: Vec<_> = keys.iter().map(DocumentKey::new).collect();
        let bodies = gathered.documents(&keys, store, &id()).await.unwrap();
        let text = |body: Bytes| String::from_utf8_lossy(&body).into_owned();
        bodies.into_iter().map(|body| body.map(text)).collect()
    }

    fn id() -> ProjectionId {
        ProjectionId::new("accounts", 1)
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect()
    }

    async fn store(changes: Vec<DocumentChange>) -> MemoryStore {
        let store = MemoryStore::new();
        let step = ProjectionCommit::new(id(), Position::ZERO, Position::new(1));
        store.commit_projection(ProjectionCommit { changes, ..step }).await.unwrap();
        store
    }

    #[tokio::test]
    async fn the_next_page_starts_from_what_is_gathered_and_the_store_gives_the_rest() {
        let store = store(vec![put("a", "7"), put("b", "7"), put("y", "7")]).await;
        let mut gathered = Gathered::default();
        gathered.add(Position::new(4), 5, vec![put("a", "1"), put("b", "1")]);
        gathered.add(Position::new(9), 5, vec![put("a", "2"), DocumentChange::Delete("b".into())]);
        assert_eq!(gathered.began(), Some(Position::new(4)));
        let found = texts(&gathered, &store, &["x", "a", "b", "y"]).await;
        assert_eq!(found, some(&["", "2", "", "7"]));
    }

    #[tokio::test]
    async fn what_was_stored_is_not_looked_up_until_all_is_forgotten() {
        // Something else than what the projection knows.
        let store = store(vec![put("a", "7"), put("b", "7"), put("c", "7"), put("d", "7")]).await;
        let mut gathered = Gathered::default();
        gathered.add(Position::ZERO, 2, vec![put("a", "1"), put("b", "1")]);
        let delete = DocumentChange::Delete("c".into());
        gathered.stored(gathered.and(vec![put("b", "2"), delete]));
        assert_eq!(gathered.began(), None);
        assert_eq!(gathered.and(Vec::new()), [], "it is not stored again");
        let keys = ["a", "b", "c", "d"];
        assert_eq!(texts(&gathered, &store, &keys).await, some(&["1", "2", "", "7"]));
        gathered.add(Position::new(9), 1, vec![put("a", "3")]);
        assert_eq!(texts(&gathered, &store, &keys).await, some(&["3", "2", "", "7"]));
        assert_eq!(texts(&Gathered::closed(), &store, &keys).await, some(&["7"; 4]));
        // So much is not kept.
        gathered.stored([put("b", "9".repeat(MOST_BYTES).leak())]);
        assert_eq!(texts(&gathered, &store, &keys).await, some(&["7"; 4]));
    }

    #[test]
    fn each_document_is_stored_once_as_the_last_page_left_it() {
        let sorted = |mut changes: Vec<DocumentChange>| {
            changes.sort_by_key(|change| key_and_body(change.clone()).0);
            changes
        };
        let mut gathered = Gathered::default();
        gathered.add(Position::ZERO, 3, vec![put("a", "1"), put("b", "1"), put("c", "1")]);
        let delete = DocumentChange::Delete("b".into());
        let stored = gathered.and(vec![put("a", "2"), delete.clone()]);
        assert_eq!(sorted(stored), [put("a", "2"), delete, put("c", "1")]);
        // It is kept until it is known to be stored.
        let all = [put("a", "1"), put("b", "1"), put("c", "1")];
        assert_eq!(sorted(gathered.and(Vec::new())), all);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_due_when_it_is_old_or_large_or_something_has_failed() {
        let mut gathered = Gathered::default();
        gathered.add(Position::ZERO, 1, vec![put("a", "1")]);
        assert!(!gathered.is_due() && gathered.wants(1, 1));
        tokio::time::advance(OLDEST).await;
        assert!(gathered.is_due() && !gathered.wants(1, 1));

        let mut large = Gathered::default();
        let body = Bytes::from(vec![b'1'; MOST_BYTES]);
        for _ in 0..2 {
            let document = Document { key: "a".into(), body: body.slice(1..) };
            large.add(Position::ZERO, 1, vec![DocumentChange::Put(document)]);
            assert!(!large.is_due(), "a document counts once");
        }
        large.add(Position::ZERO, 1, vec![put("b", "1")]);
        assert!(large.is_due());
        assert!(Gathered::closed().is_due());
    }

    #[test]
    fn pages_are_gathered_until_there_are_many_events_for_each_document() {
        let mut gathered = Gathered::default();
        assert!(!gathered.wants(800, 50), "it would cost little to store it");
        assert!(gathered.wants(799, 50));
        gathered.add(Position::ZERO, 799, vec![put("a", "1"); 50]);
        assert!(!gathered.wants(1, 50), "they are about the same documents");
    }
}
