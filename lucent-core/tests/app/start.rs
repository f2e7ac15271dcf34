//! What is checked when an application starts.

use lucent_core::prelude::*;

use super::domain::TillEvent;

mod other_events {
    use lucent_core::prelude::*;

    #[derive(Clone, Debug, Serialize, Deserialize, Event)]
    pub enum PurseEvent {
        CoinAdded { cents: u64 },
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ReadModel)]
struct Purse {
    cents: u64,
}

#[projector(name = "purses", version = 1)]
fn purses(view: &mut Purse, event: &other_events::PurseEvent) {
    let other_events::PurseEvent::CoinAdded { cents } = event;
    view.cents += cents;
}

mod clashing {
    lucent_core::registry! { functions: [super::purses, super::super::domain::add_coins] }
}

#[tokio::test]
async fn two_kinds_of_events_under_one_name_are_refused() {
    let error = App::new(clashing::registry()).store(MemoryStore::new()).start().await.unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, StartError::DuplicateEventType { event_type: "CoinAdded", .. }),
        "{text}"
    );
    assert!(text.contains("PurseEvent") && text.contains("TillEvent"), "{text}");
}

#[derive(Debug, Query)]
struct PurseOf;

#[query_handler]
async fn purse_of(_: PurseOf, view: &View<Purse>) -> Result<u64, ReadError> {
    Ok(view.get("a").await?.unwrap_or_default().cents)
}

mod without_projector {
    lucent_core::registry! { functions: [super::purse_of] }
}

#[tokio::test]
async fn a_query_whose_projection_is_not_in_the_registry_is_refused() {
    let start = App::new(without_projector::registry()).store(MemoryStore::new()).start();
    let error = start.await.unwrap_err();
    assert!(matches!(error, StartError::UnknownProjection { projection: "purses", .. }), "{error}");
}

struct Mailer;

#[event_handler(name = "send-mail")]
async fn send_mail(_: &TillEvent, _: &Resource<Mailer>) {}

mod without_resource {
    lucent_core::registry! { functions: [super::send_mail] }
}

#[tokio::test]
async fn a_handler_whose_resource_is_missing_is_refused() {
    let start = App::new(without_resource::registry()).store(MemoryStore::new()).start();
    let error = start.await.unwrap_err();
    assert!(matches!(error, StartError::MissingResource { function: "send-mail", .. }), "{error}");
    let with = App::new(without_resource::registry()).resource(Mailer).store(MemoryStore::new());
    with.start().await.unwrap();
}
