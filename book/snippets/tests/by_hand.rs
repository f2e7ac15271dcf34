//! A registry that is written as a list: in tests, and in crates without a build script.

use book_snippets::{
    account::{AccountEvent, AccountId, OpenAccount},
    reacting::{Mailer, Post},
    views::PageSize,
};
use lucent_core::{EventId, prelude::*};

// ANCHOR: by_hand
#[derive(Debug, Default, Serialize, Deserialize, ReadModel)]
struct Seen {
    events: u64,
}

mod projectors {
    use super::*;

    #[projector(name = "seen", version = 1, live, key = "all")]
    pub(super) fn seen(view: &mut Seen, _: &AccountEvent) {
        view.events += 1;
    }
}

#[derive(Debug, Query)]
struct EventsSeen;

#[query_handler]
async fn events_seen(_: EventsSeen, seen: &View<Seen>) -> Result<u64, ReadError> {
    Ok(seen.get("all").await?.unwrap_or_default().events)
}

lucent_core::registry! {
    functions: [projectors::seen, events_seen],
    registries: [book_snippets::lucent_registry],
}
// ANCHOR_END: by_hand

struct NoPost;

impl Post for NoPost {
    fn send(&self, _: EventId, _: &str) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn functions_of_a_test_and_of_a_library_run_together() {
    let app = App::new(registry())
        .store(MemoryStore::new())
        .resource(Mailer(Box::new(NoPost)))
        .resource(PageSize(50))
        .start()
        .await
        .unwrap();
    let open = OpenAccount { account: AccountId::new(), owner: "Ada".into() };
    let done = app.execute(open).await.unwrap();
    assert_eq!(app.query(EventsSeen).after(done.position).await.unwrap(), 1);
}
