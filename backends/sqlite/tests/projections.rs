//! Read models: steps with a checkpoint, and projections inside the append.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use lucent_core::{
    Consistency, Position, Projection, ProjectionPlan, ProjectionStep, RecordedEvent,
    store::{
        Append, AppendError, CommitError, Document, DocumentChange, DocumentKey, EventFilter,
        EventQuery, EventStore as _, ExpectedVersion, InlineProjections, ParkedEvent, ParkedKeys,
        ProjectionCommit, ProjectionId, ReadModelStore as _,
    },
};
use lucent_sqlite::SqliteStore;

use crate::support::{Folder, event, events, log, one, stream};

fn put(key: &str, body: &'static str) -> DocumentChange {
    DocumentChange::Put(Document { key: key.into(), body: Bytes::from_static(body.as_bytes()) })
}

fn step(version: u32, from: u64, to: u64, changes: Vec<DocumentChange>) -> ProjectionCommit {
    let projection = ProjectionId::new("accounts", version);
    ProjectionCommit {
        changes,
        ..ProjectionCommit::new(projection, Position::new(from), Position::new(to))
    }
}

#[tokio::test]
async fn documents_and_checkpoint_move_together_and_only_from_the_stored_checkpoint() {
    let folder = Folder::new();
    let store = folder.open().await;
    let id = ProjectionId::new("accounts", 1);
    let changes = vec![put("b", "1"), put("a", "{}"), put("", "0"), put("ü", "2")];
    store.commit_projection(step(1, 0, 5, changes)).await.unwrap();
    let error = store.commit_projection(step(1, 0, 9, vec![put("a", "9")])).await.unwrap_err();
    let CommitError::CheckpointMoved { found, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(found, Position::new(5));
    let changes = vec![DocumentChange::Delete("b".into()), put("c", "3")];
    store.commit_projection(step(1, 5, 6, changes)).await.unwrap();
    assert_eq!(store.checkpoint(&id).await.unwrap(), Position::new(6));
    let keys: Vec<DocumentKey> = ["c", "b", "a", "c"].map(Into::into).into();
    let found = store.documents(&id, &keys).await.unwrap();
    let found: Vec<_> = found.iter().map(|body| body.as_deref()).collect();
    assert_eq!(found, [Some(&b"3"[..]), None, Some(b"{}"), Some(b"3")]);
    let mut after = None;
    let mut paged = Vec::new();
    loop {
        let page = store.document_page(&id, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        paged.extend(page.into_iter().map(|document| document.key.to_string()));
    }
    assert_eq!(paged, ["", "a", "c", "ü"]);
}

#[tokio::test]
async fn versions_live_beside_each_other_and_one_is_active() {
    let folder = Folder::new();
    let store = folder.open().await;
    let (old, new) = (ProjectionId::new("accounts", 1), ProjectionId::new("accounts", 2));
    assert_eq!(store.active_version("accounts").await.unwrap(), None);
    for (version, body) in [(1, "1"), (2, "2")] {
        let mut commit = step(version, 0, 3, vec![put("a", body)]);
        commit.activate = true;
        store.commit_projection(commit).await.unwrap();
        assert_eq!(store.active_version("accounts").await.unwrap(), Some(version));
    }
    store.drop_projection(&old).await.unwrap();
    store.drop_projection(&old).await.unwrap();
    assert_eq!(store.checkpoint(&old).await.unwrap(), Position::ZERO);
    assert_eq!(store.document_page(&old, None, 9).await.unwrap(), []);
    store.close().await;
    let store = folder.open().await;
    assert_eq!(store.active_version("accounts").await.unwrap(), Some(2));
    assert_eq!(store.document_page(&new, None, 9).await.unwrap().len(), 1);
    assert_eq!(store.checkpoint(&new).await.unwrap(), Position::new(3));
    // A dropped version starts anew.
    store.commit_projection(step(1, 0, 1, vec![])).await.unwrap();
    assert_eq!(store.document_page(&old, None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn of_two_workers_one_takes_the_step() {
    let folder = Folder::new();
    let (left, right) = (folder.open().await, folder.open().await);
    for from in 0..20 {
        let outcomes =
            join_all([&left, &right].map(|store| {
                store.commit_projection(step(1, from, from + 1, vec![put("a", "1")]))
            }))
            .await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    }
}

/// Counts the events of each stream; refuses `Poison`, panics at `Bomb`.
struct Counts {
    filter: EventFilter,
}

struct CountsPlan {
    keys: Vec<DocumentKey>,
    events: Vec<RecordedEvent>,
}

impl Projection for Counts {
    fn id(&self) -> ProjectionId {
        ProjectionId::new("counts", 1)
    }

    fn consistency(&self) -> Consistency {
        Consistency::Inline
    }

    fn filter(&self) -> EventFilter {
        self.filter.clone()
    }

    fn plan(&self, events: &[RecordedEvent], _: &ParkedKeys) -> Box<dyn ProjectionPlan> {
        assert!(events.iter().all(|event| event.event_type != "Bomb"), "boom");
        let mut keys: Vec<_> = events.iter().map(|event| DocumentKey::new(&event.stream)).collect();
        keys.sort();
        keys.dedup();
        Box::new(CountsPlan { keys, events: events.to_vec() })
    }
}

impl ProjectionPlan for CountsPlan {
    fn keys(&self) -> &[DocumentKey] {
        &self.keys
    }

    fn apply(self: Box<Self>, documents: Vec<Option<Bytes>>) -> ProjectionStep {
        if let Some(poison) = self.events.iter().find(|event| event.event_type == "Poison") {
            let parked = ParkedEvent {
                key: poison.stream.clone().into(),
                position: poison.position,
                stream: poison.stream.clone(),
                event_type: poison.event_type.to_string(),
                reason: Some("it is poison".into()),
            };
            return ProjectionStep { parked: vec![parked], ..ProjectionStep::default() };
        }
        let changes = self.keys.iter().zip(documents).map(|(key, document)| {
            let before: usize = document.map_or(0, |body| serde_json::from_slice(&body).unwrap());
            let added = self.events.iter().filter(|event| event.stream.as_str() == key.as_str());
            DocumentChange::Put(Document {
                key: key.clone(),
                body: (before + added.count()).to_string().into(),
            })
        });
        ProjectionStep { changes: changes.collect(), ..ProjectionStep::default() }
    }
}

fn counts(filter: EventFilter) -> InlineProjections {
    let projection: Arc<dyn Projection> = Arc::new(Counts { filter });
    InlineProjections(Some([projection].into()))
}

async fn count(store: &SqliteStore, name: &str) -> Option<usize> {
    let id = ProjectionId::new("counts", 1);
    let found = store.documents(&id, &[name.into()]).await.unwrap().remove(0);
    found.map(|body| serde_json::from_slice(&body).unwrap())
}

async fn checkpoint(store: &SqliteStore) -> u64 {
    let id = ProjectionId::new("counts", 1);
    store.checkpoint(&id).await.unwrap().get()
}

#[tokio::test]
async fn an_inline_projection_moves_with_each_append() {
    let folder = Folder::new();
    let store = folder.open().await;
    let inline = counts(EventFilter::category("a"));
    // Before the projection existed; more than a page.
    let append = Append::one(stream("a-old"), ExpectedVersion::Any, events(2_500));
    store.append(append).await.unwrap();
    let appends = (0..40).map(|number| {
        let name = ["a-1", "a-2", "b-1"][number % 3];
        let inline = inline.clone();
        store.append(Append { inline, ..one(name, ExpectedVersion::Any) })
    });
    for outcome in join_all(appends).await {
        outcome.unwrap();
    }
    assert_eq!(count(&store, "a-old").await, Some(2_500));
    assert_eq!(count(&store, "a-1").await, Some(14));
    assert_eq!(count(&store, "a-2").await, Some(13));
    assert_eq!(count(&store, "b-1").await, None);
    assert_eq!(checkpoint(&store).await, 2_540);
    // Written by somebody who does not run the projection.
    let other = folder.open().await;
    other.append(one("a-1", ExpectedVersion::Any)).await.unwrap();
    assert_eq!(checkpoint(&store).await, 2_540);
    let append = Append { inline, ..one("b-1", ExpectedVersion::Any) };
    store.append(append).await.unwrap();
    assert_eq!(count(&store, "a-1").await, Some(15));
    assert_eq!(checkpoint(&store).await, 2_542);
}

#[tokio::test]
async fn an_inline_projection_that_fails_refuses_its_append_only() {
    let folder = Folder::new();
    let store = folder.open().await;
    let inline = counts(EventFilter::all());
    let appends = (0..30).map(|number| {
        let event_type = ["Counted", "Poison", "Bomb"][number % 3];
        let append = Append::one(
            stream("a"),
            ExpectedVersion::Any,
            vec![event("Counted", &["t"]), event(event_type, &["t"])],
        );
        store.append(Append {
            inline: inline.clone(),
            command: Some(lucent_core::CommandId::new()),
            ..append
        })
    });
    let outcomes = join_all(appends).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match (number % 3, outcome) {
            (0, Ok(_)) | (1 | 2, Err(AppendError::Projection(_))) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(log(&store, EventFilter::all()).await.len(), 20);
    let tagged = EventQuery::tags([crate::support::tag("t")]);
    assert_eq!(log(&store, tagged.into()).await.len(), 20);
    assert_eq!(count(&store, "a").await, Some(20));
    assert_eq!(checkpoint(&store).await, 20);
    let commands: i64 =
        folder.sql().query_row("SELECT count(*) FROM commands", [], |row| row.get(0)).unwrap();
    assert_eq!(commands, 10);
}

#[tokio::test]
async fn a_repeated_command_does_not_project_twice() {
    let folder = Folder::new();
    let store = folder.open().await;
    let append = Append {
        inline: counts(EventFilter::all()),
        command: Some(lucent_core::CommandId::new()),
        ..one("a", ExpectedVersion::Any)
    };
    let outcomes = join_all((0..5).map(|_| store.append(append.clone()))).await;
    let repeated = outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().repeated);
    assert_eq!(repeated.count(), 4);
    assert_eq!(count(&store, "a").await, Some(1));
}
