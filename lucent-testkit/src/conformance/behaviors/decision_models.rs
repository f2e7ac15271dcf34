//! Decision models: names that only one user can have.

use std::fmt;

use lucent_core::prelude::*;

use crate::conformance::{
    mortal::Mortal,
    vocabulary::{EventFilter, Handle, Subject, instances, patiently, race},
};

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

#[derive(Clone, Debug, PartialEq)]
struct Taken;

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name is taken")
    }
}

impl std::error::Error for Taken {}

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

async fn app(store: Handle) -> App<Registry> {
    App::new(registry()).store(Mortal::from(store)).start().await.expect("an application starts")
}

/// Of many who want the same name at once, in several applications, exactly one gets it.
pub async fn of_many_who_want_a_name_exactly_one_gets_it(subject: Subject) {
    let mut apps = Vec::new();
    for store in instances(&subject, 4).await {
        apps.push(app(store).await);
    }
    for round in 0..10 {
        let outcomes = race((0..16).map(|number| {
            let command = Register { username: format!("name {round}") };
            apps[number % apps.len()].execute(command).into_future()
        }));
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "one gets a name");
        for error in lost.into_iter().filter_map(Result::err) {
            assert_eq!(error.refusal(), Some(Taken), "the others are told that it is taken");
        }
    }
    let mut log = apps[0].subscribe(EventFilter::category("username"), Position::ZERO);
    for round in 0..10 {
        let event = patiently("an event", log.try_next()).await.expect("the log is readable");
        let stream = event.expect("every name was registered").stream;
        assert_eq!(stream.key(), format!("name {round}"));
    }
    assert_eq!(subject.store().log().await.len(), 10, "nothing was registered twice");
}

/// A command id that was decided on in one application has no effect in another one.
pub async fn a_command_id_has_one_effect(subject: Subject) {
    let mut stores = instances(&subject, 2).await.into_iter();
    let (Some(here), Some(there)) = (stores.next(), stores.next()) else {
        unreachable!("two were asked for")
    };
    let (here, there) = (app(here).await, app(there).await);
    let id = CommandId::new();
    let register = Register { username: "ann".to_owned() };
    let first = here.execute(register.clone()).id(id).await.expect("the name is free");
    let second = there.execute(register.clone()).id(id).await.expect("it is a repetition");
    assert!(!first.repeated && second.repeated, "{first:?} {second:?}");
    assert_eq!((second.position, second.version), (first.position, first.version));
    let refused = there.execute(register).id(CommandId::new()).await;
    assert_eq!(refused.err().and_then(CommandError::refusal), Some(Taken));
}
