//! Commands of several applications on one aggregate.

use lucent_core::{prelude::*, store::EventStore as _};

use crate::server::TestSchema;

#[derive(AggregateId)]
struct CounterId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum CounterEvent {
    Counted { to: u64 },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Aggregate)]
#[aggregate(id = CounterId, event = CounterEvent)]
struct Counter {
    count: u64,
}

impl Evolve for Counter {
    fn evolve(&mut self, event: &CounterEvent) {
        let CounterEvent::Counted { to } = event;
        self.count = *to;
    }
}

#[derive(Clone, Debug, Command)]
#[command(aggregate = Counter)]
struct Count {
    #[id]
    counter: CounterId,
}

/// Replies with the new count.
#[command_handler]
fn count(counter: &Counter, _: &Count) -> Decision<CounterEvent, u64> {
    let to = counter.count + 1;
    Decision::emit(CounterEvent::Counted { to }).reply(to)
}

mod counting {
    lucent_core::registry! { functions: [super::count] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_of_two_applications_on_one_aggregate_lose_and_double_nothing() {
    let schema = TestSchema::new();
    let mut callers = Vec::new();
    for _ in 0..2 {
        let retry = RetryPolicy { retries: 200, ..RetryPolicy::default() };
        let app = App::new(counting::registry()).store(schema.open().await).retry(retry);
        let app = app.start().await.expect("the application starts");
        for _ in 0..8 {
            let app = app.clone();
            callers.push(tokio::spawn(async move {
                let mut replies = Vec::new();
                for _ in 0..20 {
                    let command = Count { counter: CounterId::from("hot".to_owned()) };
                    replies.push(app.execute(command).await.expect("it counts").reply);
                }
                assert!(replies.is_sorted(), "a caller sees what it did before");
                replies
            }));
        }
    }
    let mut replies = Vec::new();
    for caller in callers {
        replies.extend(caller.await.expect("no caller panics"));
    }
    replies.sort_unstable();
    assert_eq!(replies, (1..=320).collect::<Vec<_>>());
    let store = schema.open().await;
    assert_eq!(store.head().await.expect("the server answers"), Position::new(320));
}
