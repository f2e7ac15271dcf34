//! What the pages of a catch-up have changed, and the store does not have yet.
//!
//! Invariant: of each document the newest change counts, and the next page starts from it; what is
//! gathered is stored as a whole, together with the checkpoint behind it, or forgotten as a whole.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    position::Position,
    store::{Document, DocumentChange, DocumentKey, ProjectionId, ReadModelStore, StoreError},
};

/// Changes of documents that are stored later, so that one that changes often is written seldom.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// The bodies of the documents; none of one that is removed.
    bodies: BTreeMap<DocumentKey, Option<Bytes>>,
    bytes: usize,
    /// How many events have led to that.
    events: usize,
    /// Where the first of the pages began, and when it was taken.
    began: Option<(Position, Instant)>,
    is_closed: bool,
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
        let documents = std::cmp::max(self.bodies.len(), changes);
        !self.is_due() && self.events + events < ENOUGH_EVENTS * documents
    }

    /// Adds what a page of so many events has changed that began at this position.
    pub(crate) fn add(&mut self, from: Position, events: usize, changes: Vec<DocumentChange>) {
        self.events += events;
        self.began.get_or_insert_with(|| (from, Instant::now()));
        for (key, body) in changes.into_iter().map(key_and_body) {
            self.bytes += body.as_ref().map_or(0, Bytes::len);
            let before = self.bodies.insert(key, body).flatten();
            self.bytes -= before.map_or(0, |body| body.len());
        }
    }

    /// Where the first of the pages began.
    pub(crate) fn began(&self) -> Option<Position> {
        self.began.map(|(from, _)| from)
    }

    /// Whether it is so much, or so old, that it is to be stored.
    pub(crate) fn is_due(&self) -> bool {
        let is_old = self.began.is_some_and(|(_, since)| since.elapsed() >= OLDEST);
        self.is_closed || is_old || self.bytes >= MOST_BYTES || self.bodies.len() >= MOST_DOCUMENTS
    }

    /// The documents of these keys, in their order.
    pub(crate) async fn documents(
        &self,
        keys: &[DocumentKey],
        store: &dyn ReadModelStore,
        projection: &ProjectionId,
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let missing = self.missing(keys);
        let found = match &missing[..] {
            [] => Vec::new(),
            keys => store.documents(projection, keys).await?,
        };
        Ok(self.complete(keys, found))
    }

    /// What is gathered, and then changed by one more page.
    pub(crate) fn and(&self, changes: Vec<DocumentChange>) -> Vec<DocumentChange> {
        if self.bodies.is_empty() {
            return changes;
        }
        // Keys and bodies are shared, not copied.
        let mut all = self.bodies.clone();
        all.extend(changes.into_iter().map(key_and_body));
        let changes = all.into_iter().map(|(key, body)| match body {
            Some(body) => DocumentChange::Put(Document { key, body }),
            None => DocumentChange::Delete(key),
        });
        changes.collect()
    }

    /// Those of the keys whose documents only the store knows.
    fn missing(&self, keys: &[DocumentKey]) -> Vec<DocumentKey> {
        keys.iter().filter(|key| !self.bodies.contains_key(*key)).cloned().collect()
    }

    /// The documents of these keys, of which the store has `found` those that are missing.
    fn complete(&self, keys: &[DocumentKey], found: Vec<Option<Bytes>>) -> Vec<Option<Bytes>> {
        let mut found = found.into_iter();
        let body = |key| match self.bodies.get(key) {
            Some(body) => body.clone(),
            None => found.next().flatten(),
        };
        keys.iter().map(body).collect()
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
const OLDEST: Duration = Duration::from_millis(500);

/// How many events there are to be for each document that is written.
const ENOUGH_EVENTS: usize = 8;

/// How much is stored by one commit, beyond what the last page adds.
const MOST_BYTES: usize = 4 << 20;
const MOST_DOCUMENTS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, body: &'static str) -> DocumentChange {
        DocumentChange::Put(Document { key: key.into(), body: Bytes::from_static(body.as_bytes()) })
    }

    #[test]
    fn the_next_page_starts_from_what_is_gathered_and_the_store_gives_the_rest() {
        let mut gathered = Gathered::default();
        gathered.add(Position::new(4), 5, vec![put("a", "1"), put("b", "1")]);
        gathered.add(Position::new(9), 5, vec![put("a", "2"), DocumentChange::Delete("b".into())]);
        assert_eq!(gathered.began(), Some(Position::new(4)));
        let keys = ["x", "a", "b", "y"].map(DocumentKey::from);
        assert_eq!(gathered.missing(&keys), [keys[0].clone(), keys[3].clone()]);
        let stored = vec![None, Some(Bytes::from_static(b"7"))];
        let complete = gathered.complete(&keys, stored);
        let texts = complete.iter().map(|body| body.as_deref().map(String::from_utf8_lossy));
        let texts: Vec<_> = texts.map(|text| text.map(|text| text.into_owned())).collect();
        assert_eq!(texts, [None, Some("2".to_owned()), None, Some("7".to_owned())]);
    }

    #[test]
    fn each_document_is_stored_once_as_the_last_page_left_it() {
        let mut gathered = Gathered::default();
        gathered.add(Position::ZERO, 3, vec![put("a", "1"), put("b", "1"), put("c", "1")]);
        let delete = DocumentChange::Delete("b".into());
        let stored = gathered.and(vec![put("a", "2"), delete.clone()]);
        assert_eq!(stored, [put("a", "2"), delete, put("c", "1")]);
        // It is kept until it is known to be stored.
        assert_eq!(gathered.and(Vec::new()), [put("a", "1"), put("b", "1"), put("c", "1")]);
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
        assert!(!gathered.wants(400, 50), "it would cost little to store it");
        assert!(gathered.wants(399, 50));
        gathered.add(Position::ZERO, 399, vec![put("a", "1"); 50]);
        assert!(!gathered.wants(1, 50), "they are about the same documents");
    }
}
