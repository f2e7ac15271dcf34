//! Rebuilding, taking over, rolling back.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use lucent_core::{
    ProjectionControlError, ProjectionState, StuckCause,
    prelude::*,
    store::{ProjectionId, ReadModelStore as _, StoredVersion},
};

use super::notes::{NoteEvent, note};

/// The tests in which the projectors write in capitals, or refuse notes that begin with `x`.
static LOUD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
static STRICT: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fn project(texts: &mut Vec<String>, event: &NoteEvent) -> Result<(), String> {
    let NoteEvent::NoteTaken { text, about } = event;
    let of = |tests: &Mutex<BTreeSet<&str>>| tests.lock().unwrap().contains(about[0].as_str());
    if text.starts_with('x') && of(&STRICT) {
        return Err(format!("`{text}` is not liked"));
    }
    texts.push(if of(&LOUD) { text.to_uppercase() } else { text.clone() });
    Ok(())
}

mod first {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
    pub struct Book {
        pub texts: Vec<String>,
    }

    #[projector(name = "books", version = 1)]
    pub fn books(view: &mut Book, event: &NoteEvent) -> Result<(), String> {
        project(&mut view.texts, event)
    }

    #[derive(Debug, Query)]
    pub struct TextsOf(pub &'static str);

    #[query_handler]
    pub async fn texts_of(query: TextsOf, books: &View<Book>) -> Result<String, ReadError> {
        Ok(books.get(query.0).await?.unwrap_or_default().texts.join(" "))
    }

    lucent_core::registry! { functions: [books, texts_of] }
}

mod second {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
    pub struct Volume {
        pub texts: Vec<String>,
        /// Version 1 has no such field.
        pub pages: usize,
    }

    #[projector(name = "books", version = 2)]
    pub fn books(view: &mut Volume, event: &NoteEvent) -> Result<(), String> {
        view.pages += 1;
        project(&mut view.texts, event)
    }

    #[derive(Debug, Query)]
    pub struct PagesOf(pub &'static str);

    #[query_handler]
    pub async fn pages_of(query: PagesOf, books: &View<Volume>) -> Result<usize, ReadError> {
        Ok(books.get(query.0).await?.unwrap_or_default().pages)
    }

    lucent_core::registry! { functions: [books, pages_of] }
}

use first::TextsOf;
use second::PagesOf;

const PARK_AT_ONCE: ParkingPolicy =
    ParkingPolicy { tries: 1, pause: Duration::from_millis(1), keys: 100 };

async fn first(store: MemoryStore) -> App<first::Registry> {
    App::new(first::registry()).store(store).parking(PARK_AT_ONCE).start().await.unwrap()
}

async fn second(store: MemoryStore) -> App<second::Registry> {
    App::new(second::registry()).store(store).parking(PARK_AT_ONCE).start().await.unwrap()
}

/// Waits until a rebuild has ended.
async fn rebuilt<R>(app: &App<R>) {
    while app.projection("books").unwrap().rebuilding().is_some() {
        tokio::task::yield_now().await;
    }
}

async fn until<R>(app: &App<R>, state: ProjectionState) {
    while app.projection("books").unwrap().status().await.unwrap().state != state {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_rebuild_replaces_what_wrong_code_has_made() {
    let store = MemoryStore::new();
    let app = first(store.clone()).await;
    let last = note(&store, "page-t1", "one", &["t1"]).await;
    assert_eq!(app.query(TextsOf("t1")).after(last).await.unwrap(), "one");
    LOUD.lock().unwrap().insert("t1");
    let projection = app.projection("books").unwrap();
    projection.rebuild().await.unwrap();
    projection.rebuild().await.unwrap();
    rebuilt(&app).await;
    assert_eq!(app.query(TextsOf("t1")).await.unwrap(), "ONE");
    let last = note(&store, "page-t1", "two", &["t1"]).await;
    assert_eq!(app.query(TextsOf("t1")).after(last).await.unwrap(), "ONE TWO");
    let left = store.stored_versions("rebuild:books").await.unwrap();
    assert_eq!(left, [], "nothing is left of it");
}

#[tokio::test]
async fn a_rebuild_goes_on_while_events_come_and_loses_none() {
    let store = MemoryStore::new();
    let app = first(store.clone()).await;
    for _ in 0..5 {
        note(&store, "page-t2", "a", &["t2"]).await;
    }
    app.projection("books").unwrap().rebuild().await.unwrap();
    let mut last = Position::ZERO;
    for _ in 0..100 {
        last = note(&store, "page-t2", "a", &["t2"]).await;
        tokio::task::yield_now().await;
    }
    rebuilt(&app).await;
    let texts = app.query(TextsOf("t2")).after(last).await.unwrap();
    assert_eq!(texts.split(' ').count(), 105);
}

#[tokio::test]
async fn a_rebuild_goes_on_after_a_restart() {
    let store = MemoryStore::new();
    let app = first(store.clone()).await;
    let last = note(&store, "page-t3", "one", &["t3"]).await;
    app.query(TextsOf("t3")).after(last).await.unwrap();
    app.shutdown().await;
    LOUD.lock().unwrap().insert("t3");
    // Whatever was asked to rebuild leaves this in the store, whenever it ends.
    let shadow = ProjectionId::new("rebuild:books", 1);
    let begun = lucent_core::store::ProjectionCommit::new(shadow, Position::ZERO, Position::ZERO);
    store.commit_projection(begun).await.unwrap();
    let app = first(store.clone()).await;
    rebuilt(&app).await;
    assert_eq!(app.query(TextsOf("t3")).await.unwrap(), "ONE");
}

#[tokio::test]
async fn two_processes_may_rebuild_at_once() {
    let store = MemoryStore::new();
    let one = first(store.clone()).await;
    let last = note(&store, "page-t10", "one", &["t10"]).await;
    one.query(TextsOf("t10")).after(last).await.unwrap();
    LOUD.lock().unwrap().insert("t10");
    one.projection("books").unwrap().rebuild().await.unwrap();
    let two = first(store.clone()).await;
    two.projection("books").unwrap().rebuild().await.unwrap();
    rebuilt(&one).await;
    rebuilt(&two).await;
    let last = note(&store, "page-t10", "two", &["t10"]).await;
    for app in [&one, &two] {
        assert_eq!(app.query(TextsOf("t10")).after(last).await.unwrap(), "ONE TWO");
    }
}

#[tokio::test]
async fn a_rebuild_that_parks_more_is_held_until_somebody_decides() {
    let store = MemoryStore::new();
    let app = first(store.clone()).await;
    let last = note(&store, "page-t4", "xone", &["t4"]).await;
    app.query(TextsOf("t4")).after(last).await.unwrap();
    STRICT.lock().unwrap().insert("t4");
    let projection = app.projection("books").unwrap();
    projection.rebuild().await.unwrap();
    let state = || projection.rebuilding().map(|status| status.state);
    while state() != Some(ProjectionState::Held) {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.query(TextsOf("t4")).await.unwrap(), "xone");
    projection.cancel().await.unwrap();
    assert_eq!(state(), None);
    assert_eq!(app.query(TextsOf("t4")).await.unwrap(), "xone");
    projection.rebuild().await.unwrap();
    while state() != Some(ProjectionState::Held) {
        tokio::task::yield_now().await;
    }
    projection.activate(1).await.unwrap();
    rebuilt(&app).await;
    assert_eq!(app.query(TextsOf("t4")).await.unwrap(), "");
    assert_eq!(projection.parked().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_version_that_parks_more_does_not_take_over_by_itself() {
    let store = MemoryStore::new();
    let old = first(store.clone()).await;
    let last = note(&store, "page-t5", "xone", &["t5"]).await;
    old.query(TextsOf("t5")).after(last).await.unwrap();
    old.shutdown().await;
    STRICT.lock().unwrap().insert("t5");
    let new = second(store.clone()).await;
    until(&new, ProjectionState::Held).await;
    let error = new.query(PagesOf("t5")).after(last).await.unwrap_err();
    assert!(
        matches!(error, ReadError::Stuck { cause: StuckCause::Held { keys: 1 }, .. }),
        "{error}"
    );
    assert_eq!(store.active_version("books").await.unwrap(), Some(1));
    STRICT.lock().unwrap().remove("t5");
    let retried = new.projection("books").unwrap().retry_all().await.unwrap();
    assert_eq!(retried.applied, 1);
    until(&new, ProjectionState::Following).await;
    assert_eq!(new.query(PagesOf("t5")).after(last).await.unwrap(), 1);
    assert_eq!(store.active_version("books").await.unwrap(), Some(2));
}

#[tokio::test]
async fn documents_of_an_older_shape_are_not_taken_for_todays() {
    let store = MemoryStore::new();
    let old = first(store.clone()).await;
    let last = note(&store, "page-t6", "xone", &["t6"]).await;
    old.query(TextsOf("t6")).after(last).await.unwrap();
    old.shutdown().await;
    STRICT.lock().unwrap().insert("t6");
    let new = second(store.clone()).await;
    until(&new, ProjectionState::Held).await;
    let error = new.query(PagesOf("t6")).await.unwrap_err();
    match &error {
        ReadError::Rebuilding { projection, active, .. } => {
            assert_eq!((projection.version, *active), (2, 1));
        }
        other => panic!("{other}"),
    }
    assert!(error.to_string().contains("still being built"), "{error}");
    assert_eq!(new.query(PagesOf("nobody")).await.unwrap(), 0);
}

#[tokio::test]
async fn the_version_before_can_be_gone_back_to_and_old_ones_dropped() {
    let store = MemoryStore::new();
    let old = first(store.clone()).await;
    let last = note(&store, "page-t7", "one", &["t7"]).await;
    old.query(TextsOf("t7")).after(last).await.unwrap();
    old.shutdown().await;
    let new = second(store.clone()).await;
    let last = note(&store, "page-t7", "two", &["t7"]).await;
    assert_eq!(new.query(PagesOf("t7")).after(last).await.unwrap(), 2);
    let projection = new.projection("books").unwrap();
    for version in [2, 9] {
        let error = projection.drop_version(version).await.unwrap_err();
        assert_eq!(matches!(error, ProjectionControlError::InUse { .. }), version == 2, "{error}");
    }
    projection.activate(1).await.unwrap();
    let error = new.query(PagesOf("t7")).after(last).await.unwrap_err();
    let expected = StuckCause::RolledBack { active: 1 };
    assert!(matches!(error, ReadError::Stuck { cause, .. } if cause == expected));
    // The older program goes on where its version stands.
    let old = first(store.clone()).await;
    assert_eq!(old.query(TextsOf("t7")).after(last).await.unwrap(), "one two");
    old.shutdown().await;
    projection.activate(2).await.unwrap();
    assert_eq!(new.query(PagesOf("t7")).after(last).await.unwrap(), 2);
    projection.drop_version(1).await.unwrap();
    let stored = StoredVersion { version: 2, checkpoint: last, active: true };
    assert_eq!(projection.versions().await.unwrap(), [stored]);
    let error = projection.activate(1).await.unwrap_err();
    assert!(matches!(error, ProjectionControlError::NoSuchVersion { .. }), "{error}");
}

#[tokio::test]
async fn building_a_version_can_be_cancelled_and_begun_again() {
    let store = MemoryStore::new();
    let old = first(store.clone()).await;
    let last = note(&store, "page-t8", "xone", &["t8"]).await;
    old.query(TextsOf("t8")).after(last).await.unwrap();
    old.shutdown().await;
    STRICT.lock().unwrap().insert("t8");
    let new = second(store.clone()).await;
    until(&new, ProjectionState::Held).await;
    let projection = new.projection("books").unwrap();
    projection.cancel().await.unwrap();
    until(&new, ProjectionState::Cancelled).await;
    assert_eq!(projection.versions().await.unwrap().len(), 1);
    let error = new.query(PagesOf("t8")).after(last).await.unwrap_err();
    assert!(matches!(error, ReadError::Stuck { cause: StuckCause::Cancelled, .. }), "{error}");
    STRICT.lock().unwrap().remove("t8");
    projection.rebuild().await.unwrap();
    until(&new, ProjectionState::Following).await;
    assert_eq!(new.query(PagesOf("t8")).after(last).await.unwrap(), 1);
    let error = projection.cancel().await.unwrap_err();
    assert!(matches!(error, ProjectionControlError::InUse { .. }), "{error}");
}

#[tokio::test]
async fn the_status_says_how_far_behind_and_how_fast() {
    let store = MemoryStore::new();
    for number in 0..10 {
        note(&store, "page-t9", if number == 5 { "xbad" } else { "good" }, &["t9"]).await;
    }
    STRICT.lock().unwrap().insert("t9");
    let never = ParkingPolicy::never();
    let app = App::new(first::registry()).store(store).parking(never).start().await.unwrap();
    until(&app, ProjectionState::Failing).await;
    let status = app.projection("books").unwrap().status().await.unwrap();
    assert_eq!(
        (status.position, status.head, status.lag),
        (Position::new(5), Position::new(10), 5)
    );
    assert!(status.failure.as_ref().is_some_and(|reason| reason.contains("xbad")), "{status:?}");
    assert!(status.pace.is_some_and(|pace| pace.remaining.is_some()), "{status:?}");
    STRICT.lock().unwrap().remove("t9");
    until(&app, ProjectionState::Following).await;
    let status = app.projection("books").unwrap().status().await.unwrap();
    assert_eq!((status.lag, status.pace, status.failure), (0, None, None));
}
