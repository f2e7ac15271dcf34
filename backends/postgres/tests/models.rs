//! Decision models on this store: names that only one user can have.

use futures::future::join_all;
use lucent_core::{prelude::*, store::EventFilter};

use crate::server::TestSchema;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum UserEvent {
    UserRegistered {
        #[tag]
        username: String,
    },
}

#[derive(DecisionModel)]
#[decision_model(event = UserEvent)]
struct Username {
    #[tag]
    username: String,
    is_taken: bool,
}

impl Evolve for Username {
    fn evolve(&mut self, event: &UserEvent) {
        let UserEvent::UserRegistered { username } = event;
        self.is_taken = *username == self.username;
    }
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the name is taken")]
struct Taken;

#[derive(Clone, Command)]
struct Register {
    #[tag]
    username: String,
}

mod handlers {
    use super::*;

    #[command_handler]
    pub(super) fn register(name: &Username, command: &Register) -> Result<UserEvent, Taken> {
        ensure!(!name.is_taken, Taken);
        Ok(UserEvent::UserRegistered { username: command.username.clone() })
    }
}

lucent_core::registry! { functions: [handlers::register] }

async fn app(store: impl lucent_core::store::Store) -> App<Registry> {
    App::new(registry()).store(store).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_a_name_at_once_exactly_one_gets_it() {
    let schema = TestSchema::new();
    // Each one has a store of its own, as if each were a process.
    let mut apps = Vec::new();
    for _ in 0..4 {
        apps.push(app(schema.open().await).await);
    }
    for round in 0..10 {
        let racers = (0..16).map(|number| {
            let command = Register { username: format!("name {round}") };
            tokio::spawn(apps[number % apps.len()].execute(command).into_future())
        });
        let outcomes = join_all(racers).await.into_iter().map(Result::unwrap);
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for loser in lost {
            assert_eq!(loser.unwrap_err().refusal(), Some(Taken));
        }
    }
    let mut log = apps[0].subscribe(EventFilter::category("username"), Position::ZERO);
    let mut count = 0;
    while let Some(event) = log.try_next().await.unwrap() {
        count += 1;
        assert_eq!(event.stream.key(), format!("name {}", count - 1));
    }
    assert_eq!(count, 10);
}

#[tokio::test]
async fn a_command_id_has_one_effect() {
    let schema = TestSchema::new();
    let (here, there) = (app(schema.open().await).await, app(schema.open().await).await);
    let id = CommandId::new();
    let register = Register { username: "ann".to_owned() };
    let first = here.execute(register.clone()).id(id).await.unwrap();
    let second = there.execute(register.clone()).id(id).await.unwrap();
    assert!(!first.repeated && second.repeated && second.position == first.position);
    assert_eq!(second.version, first.version);
    let refused = there.execute(register).id(CommandId::new()).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Taken));
}
