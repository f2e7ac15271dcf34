//! What a projector makes of a scenario's events.
//!
//! Invariant: documents are made by the engine's own step, once with all events in one page and
//! once with one event a page.

use std::{collections::BTreeMap, fmt};

use lucent_core::{
    Event, Projected, Projection as _, ProjectionError, Projector, ReadModel, RecordedEvent,
    TypedProjection,
    store::{Document, DocumentChange, DocumentKey, ParkedKeys},
};

use super::{
    Mismatch, checks, diff,
    scene::Scene,
    story::{Line, WIDTH},
    value::{Value, named},
};

/// A scenario whose read model was as expected. It can end here or look at more documents.
pub struct Viewed<E>(Scene<E>);

#[expect(clippy::needless_pass_by_value, reason = "what is expected is written in place")]
#[expect(clippy::return_self_not_must_use, reason = "the scenario may end after each of these")]
impl<E: Event> Viewed<E> {
    pub(super) fn new(mut scene: Scene<E>) -> Self {
        scene.tell_given(None);
        Self(scene)
    }

    /// Expects the only document of a read model.
    ///
    /// # Panics
    /// When there is another document, none, or several; when the projector fails.
    #[track_caller]
    pub fn and_view<V>(self, view: V) -> Self
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        let result = check_only(&self.0, &view);
        self.unless_failed(result)
    }

    /// Expects the document of this key.
    ///
    /// # Panics
    /// When there is another one or none; when the projector fails.
    #[track_caller]
    pub fn and_view_of<V>(self, key: impl fmt::Display, view: V) -> Self
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        let result = check_one(&self.0, &DocumentKey::new(key), &view);
        self.unless_failed(result)
    }

    /// Expects that a read model has no document.
    ///
    /// # Panics
    /// When there is one; when the projector fails.
    #[track_caller]
    pub fn and_no_view<V>(self) -> Self
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        let result = check_none::<V>(&self.0, None);
        self.unless_failed(result)
    }

    /// Expects that there is no document of this key.
    ///
    /// # Panics
    /// When there is one; when the projector fails.
    #[track_caller]
    pub fn and_no_view_of<V>(self, key: impl fmt::Display) -> Self
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        let result = check_none::<V>(&self.0, Some(&DocumentKey::new(key)));
        self.unless_failed(result)
    }

    #[track_caller]
    fn unless_failed(self, result: Result<(), Mismatch>) -> Self {
        if let Err(mismatch) = result {
            self.0.story.fail(&mismatch);
        }
        self
    }
}

impl<E> fmt::Debug for Viewed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewed").finish_non_exhaustive()
    }
}

/// Checks that there is one document, and that it is this one.
pub(super) fn check_only<V: Projected>(
    scene: &Scene<<V::Projector as Projector>::Event>,
    view: &V,
) -> Result<(), Mismatch> {
    let documents = documents::<V>(scene)?;
    let mut keys = documents.keys();
    match (keys.next(), keys.next()) {
        (Some(key), None) => compare(view, key, &documents[key]),
        (None, _) => Err(missing(view, None, &documents)),
        (Some(_), Some(_)) => Err(Mismatch::new(format!("{} has several documents", V::NAME))
            .lines(spelled::<V>(&documents))
            .help("say which one is meant: `.then_view_of(key, view)`")),
    }
}

fn check_one<V: Projected>(
    scene: &Scene<<V::Projector as Projector>::Event>,
    key: &DocumentKey,
    view: &V,
) -> Result<(), Mismatch> {
    let documents = documents::<V>(scene)?;
    match documents.get(key) {
        Some(document) => compare(view, key, document),
        None => Err(missing(view, Some(key), &documents)),
    }
}

fn check_none<V: Projected>(
    scene: &Scene<<V::Projector as Projector>::Event>,
    key: Option<&DocumentKey>,
) -> Result<(), Mismatch> {
    let mut documents = documents::<V>(scene)?;
    documents.retain(|found, _| key.is_none_or(|key| key == found));
    if documents.is_empty() {
        return Ok(());
    }
    Err(Mismatch::new(format!("{} has a document", V::NAME))
        .expected("no document")
        .lines(spelled::<V>(&documents))
        .help("a projector removes a document by returning `Keep::Delete`"))
}

fn compare<V: ReadModel>(
    expected: &V,
    key: &DocumentKey,
    actual: &Document,
) -> Result<(), Mismatch> {
    let expected = encoded(expected)?;
    let actual = document_value(actual);
    if expected == actual {
        return Ok(());
    }
    Err(Mismatch::new(format!("the view {} differs", V::NAME))
        .line(Line::plain(format!("{} of key `{key}`", V::NAME)))
        .lines(diff::fields(&expected, &actual, diff::EXPECTED))
        .help(format!("correct the `#[projector]` of {}, or the scenario", V::NAME)))
}

fn missing<V: ReadModel>(
    view: &V,
    key: Option<&DocumentKey>,
    documents: &BTreeMap<DocumentKey, Document>,
) -> Mismatch {
    let expected = match encoded(view) {
        Ok(value) => named(V::NAME, &value, WIDTH),
        Err(mismatch) => return mismatch,
    };
    let of_key = key.map(|key| format!(" of key `{key}`")).unwrap_or_default();
    let mismatch = Mismatch::new(format!("{} has no document{of_key}", V::NAME));
    if documents.is_empty() {
        return mismatch
            .expected(expected)
            .actual("no document")
            .help("the events are about no document, or the last one removed it");
    }
    mismatch
        .expected(expected)
        .lines(spelled::<V>(documents))
        .help("a projector's key is the stream's key, unless the projector says otherwise")
}

fn spelled<V: ReadModel>(documents: &BTreeMap<DocumentKey, Document>) -> Vec<Line> {
    let lines = documents.iter().map(|(key, document)| {
        let view = named(V::NAME, &document_value(document), WIDTH);
        Line::plus(format!("`{key}`: {view}"), diff::EXPECTED.plus)
    });
    lines.collect()
}

fn encoded<V: ReadModel>(view: &V) -> Result<Value, Mismatch> {
    Value::of(view).map_err(|error| Mismatch::new(format!("{}: {error}", V::NAME)))
}

fn document_value(document: &Document) -> Value {
    let text = || Value::Text(String::from_utf8_lossy(&document.body).into_owned());
    Value::parse(&document.body).unwrap_or_else(|()| text())
}

/// The documents that the projector makes of the history.
fn documents<V: Projected>(
    scene: &Scene<<V::Projector as Projector>::Event>,
) -> Result<BTreeMap<DocumentKey, Document>, Mismatch> {
    if scene.checks {
        checks::given(scene.events())?;
    }
    let records = scene.records().map_err(|error| Mismatch::new(error.to_string()))?;
    let at_once = run::<V::Projector>(&records, records.len())?;
    if scene.checks {
        let one_by_one = run::<V::Projector>(&records, 1)?;
        agree::<V>(&at_once, &one_by_one)?;
    }
    Ok(at_once)
}

fn run<P: Projector>(
    records: &[RecordedEvent],
    page: usize,
) -> Result<BTreeMap<DocumentKey, Document>, Mismatch> {
    let mut documents = BTreeMap::new();
    for page in records.chunks(if page == 0 { 1 } else { page }) {
        step::<P>(page, &mut documents).map_err(|error| {
            let number = usize::try_from(error.position.get()).unwrap_or(usize::MAX);
            Mismatch::new(format!("projection {} failed", error.projection))
                .line(
                    Line::plain(format!("{}: {}", error.event_type, error.reason)).numbered(number),
                )
                .help(format!(
                    "the application parks this event; correct the projector `{}`",
                    P::NAME
                ))
        })?;
    }
    Ok(documents)
}

fn step<P: Projector>(
    page: &[RecordedEvent],
    documents: &mut BTreeMap<DocumentKey, Document>,
) -> Result<(), ProjectionError> {
    let projection = TypedProjection::<P>::new();
    let plan = projection.plan(page, &ParkedKeys::none());
    let bodies = plan.keys().iter();
    let bodies = bodies.map(|key| documents.get(key).map(|found| found.body.clone()));
    let bodies = bodies.collect();
    for change in plan.apply(bodies).whole(&projection.id())? {
        match change {
            DocumentChange::Put(document) => {
                documents.insert(document.key.clone(), document);
            }
            DocumentChange::Delete(key) => {
                documents.remove(&key);
            }
        }
    }
    Ok(())
}

/// Checks that the documents do not depend on how the log was cut into pages.
fn agree<V: ReadModel>(
    at_once: &BTreeMap<DocumentKey, Document>,
    one_by_one: &BTreeMap<DocumentKey, Document>,
) -> Result<(), Mismatch> {
    let value = |documents: &BTreeMap<DocumentKey, Document>| {
        let fields = documents.iter();
        let fields = fields.map(|(key, document)| (key.to_string(), document_value(document)));
        Value::Record(fields.collect())
    };
    let (left, right) = (value(at_once), value(one_by_one));
    if left == right {
        return Ok(());
    }
    let sides = diff::Sides { minus: "in one page", plus: "one by one" };
    Err(Mismatch::new(format!("the view {} depends on the pages of the log", V::NAME))
        .line(Line::plain(format!("documents of {}", V::NAME)))
        .lines(diff::fields(&left, &right, sides))
        .help(format!(
            "a document is stored between pages, so what {} does not serialize is lost: check \
             its serde attributes, and that the projector depends on its arguments only",
            V::NAME
        ))
        .of_check())
}
