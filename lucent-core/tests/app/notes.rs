//! Notes: a domain whose events fail on demand.
//!
//! A text that contains `bad` fails in the projector and one that contains `illegible` does not
//! decode, until the text is healed. Texts differ from test to test, since what is healed is shared.

use std::{borrow::Cow, collections::BTreeSet, sync::Mutex};

use lucent_core::{
    prelude::*,
    store::{Append, EventStore, ExpectedVersion},
};
use serde::{Deserializer, de::Error as _};

static HEALED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// From now on this text is as good as any.
pub fn heal(text: &str) {
    HEALED.lock().unwrap().insert(text.to_owned());
}

fn is_broken(text: &str, how: &str) -> bool {
    text.contains(how) && !HEALED.lock().unwrap().contains(text)
}

fn legible<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    let text = String::deserialize(text)?;
    match is_broken(&text, "illegible") {
        true => Err(D::Error::custom(format!("nobody can read `{text}`"))),
        false => Ok(text),
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum NoteEvent {
    NoteTaken {
        #[serde(deserialize_with = "legible")]
        text: String,
        about: Vec<String>,
    },
}

/// The notes about something, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct Notes {
    pub texts: Vec<String>,
}

pub fn take_down(view: &mut Vec<String>, event: &NoteEvent) -> Result<(), String> {
    let NoteEvent::NoteTaken { text, .. } = event;
    // Half of the work is done before the failure, which must not show.
    view.push(text.clone());
    match is_broken(text, "bad") {
        true => Err(format!("`{text}` is not liked")),
        false => Ok(()),
    }
}

pub fn about(event: &NoteEvent) -> Vec<String> {
    let NoteEvent::NoteTaken { about, .. } = event;
    about.clone()
}

#[projector(name = "notes", version = 1, key = about)]
pub fn notes(view: &mut Notes, event: &NoteEvent) -> Result<(), String> {
    take_down(&mut view.texts, event)
}

#[derive(Debug, Query)]
pub struct NotesAbout(pub &'static str);

#[query_handler]
pub async fn notes_about(query: NotesAbout, notes: &View<Notes>) -> Result<String, ReadError> {
    Ok(notes.get(query.0).await?.unwrap_or_default().texts.join(" "))
}

/// The notes of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct Page {
    pub texts: Vec<String>,
}

#[projector(name = "pages", version = 1)]
pub fn pages(view: &mut Page, event: &NoteEvent) -> Result<(), String> {
    take_down(&mut view.texts, event)
}

lucent_core::registry! { functions: [notes, notes_about, pages] }

/// Appends a note to a stream.
pub async fn note(store: &impl EventStore, stream: &str, text: &str, about: &[&str]) -> Position {
    let json = serde_json::json!({ "text": text, "about": about });
    let event = NewEvent {
        id: EventId::new(),
        event_type: Cow::Borrowed("NoteTaken"),
        schema_version: 1,
        payload: Payload::json(&json).unwrap(),
        tags: Vec::new(),
        metadata: Metadata::of_command(CommandId::new(), BusinessContext::default()).into(),
        recorded_at: Timestamp::now(),
    };
    let stream = StreamId::new(stream).unwrap();
    store.append(Append::one(stream, ExpectedVersion::Any, vec![event])).await.unwrap().position
}

/// An application that parks at the first failure.
pub async fn start(store: impl lucent_core::store::Store) -> App<Registry> {
    let parking = ParkingPolicy { tries: 1, ..ParkingPolicy::default() };
    App::new(registry()).store(store).parking(parking).start().await.unwrap()
}

/// Waits until the projection has seen a position.
pub async fn seen(app: &App<Registry>, position: Position) {
    app.query(NotesAbout("nothing")).after(position).await.unwrap();
}

/// The notes about something, as of now.
pub async fn read(app: &App<Registry>, about: &'static str) -> String {
    app.query(NotesAbout(about)).await.unwrap()
}
