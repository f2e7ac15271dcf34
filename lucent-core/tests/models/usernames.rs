//! Names that only one user can have: no registry of names, no lock, no unique index.

use futures::future::join_all;
use lucent_core::{CommandError, prelude::*};

use crate::app::store_with_faults::{Fault, StoreWithFaults};

#[derive(AggregateId)]
pub struct UserId(Uuid);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum UserEvent {
    UserRegistered {
        #[tag]
        user: UserId,
        #[tag]
        username: String,
    },
    UsernameChanged {
        #[tag]
        user: UserId,
        #[tag("username")]
        from: String,
        #[tag("username")]
        to: String,
    },
}

/// Whether a name is taken.
#[derive(DecisionModel)]
#[decision_model(event = UserEvent)]
pub struct Username {
    #[tag]
    username: String,
    is_taken: bool,
}

impl Evolve for Username {
    fn evolve(&mut self, event: &UserEvent) {
        self.is_taken = match event {
            UserEvent::UserRegistered { .. } => true,
            UserEvent::UsernameChanged { to, .. } => *to == self.username,
        };
    }
}

/// The name that a user has.
#[derive(DecisionModel)]
#[decision_model(event = UserEvent)]
pub struct User {
    #[tag]
    user: UserId,
    username: Option<String>,
}

impl Evolve for User {
    fn evolve(&mut self, event: &UserEvent) {
        let (UserEvent::UserRegistered { username, .. }
        | UserEvent::UsernameChanged { to: username, .. }) = event;
        self.username = Some(username.clone());
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("the name is taken")]
    Taken,
    #[error("there is no such user")]
    NoUser,
}

#[derive(Command)]
pub struct Register {
    pub user: UserId,
    #[tag]
    pub username: String,
}

#[command_handler]
pub fn register(name: &Username, command: &Register) -> Result<UserEvent, Refusal> {
    ensure!(!name.is_taken, Refusal::Taken);
    let (user, username) = (command.user, command.username.clone());
    Ok(UserEvent::UserRegistered { user, username })
}

#[derive(Command)]
pub struct ChangeUsername {
    #[tag]
    pub user: UserId,
    #[tag]
    pub username: String,
}

#[command_handler]
pub fn change_username(
    (name, user): (&Username, &User),
    command: &ChangeUsername,
) -> Result<UserEvent, Refusal> {
    let from = user.username.clone().ok_or(Refusal::NoUser)?;
    ensure!(!name.is_taken, Refusal::Taken);
    Ok(UserEvent::UsernameChanged { user: command.user, from, to: command.username.clone() })
}

/// Forgets that names are compared in lower case.
#[derive(Command)]
pub struct RegisterCarelessly {
    #[tag]
    pub username: String,
}

#[command_handler]
pub fn register_carelessly(name: &Username, command: &RegisterCarelessly) -> Option<UserEvent> {
    let username = command.username.to_lowercase();
    (!name.is_taken).then(|| UserEvent::UserRegistered { user: UserId::new(), username })
}

lucent_core::registry! { functions: [register, change_username, register_carelessly] }

async fn app(store: impl lucent_core::store::Store) -> App<Registry> {
    App::new(registry()).store(store).start().await.unwrap()
}

fn registration(username: &str) -> Register {
    Register { user: UserId::new(), username: username.to_owned() }
}

#[tokio::test]
async fn a_name_is_free_again_when_its_user_has_taken_another() {
    let app = app(MemoryStore::new()).await;
    let ann = registration("ann");
    let user = ann.user;
    app.execute(ann).await.unwrap();
    let taken = app.execute(registration("ann")).await.unwrap_err();
    assert_eq!(taken.refusal(), Some(Refusal::Taken));
    app.execute(ChangeUsername { user, username: "anna".into() }).await.unwrap();
    app.execute(registration("ann")).await.unwrap();
    let taken = app.execute(registration("anna")).await.unwrap_err();
    assert_eq!(taken.refusal(), Some(Refusal::Taken));
}

#[tokio::test]
async fn of_many_who_want_a_name_at_once_exactly_one_gets_it() {
    let (store, faults) = StoreWithFaults::new();
    faults.set(Fault::Yield);
    let old = app(store.clone()).await;
    let mut users = Vec::new();
    for index in 0..8 {
        let earlier = registration(&format!("user {index}"));
        users.push((app(store.clone()).await, earlier.user));
        old.execute(earlier).await.unwrap();
    }
    let racers = users.iter().flat_map(|(app, user)| {
        let change = ChangeUsername { user: *user, username: "ann".into() };
        [
            tokio::spawn(app.execute(registration("ann")).into_future()),
            tokio::spawn(app.execute(change).into_future()),
        ]
    });
    let outcomes = join_all(racers).await;
    let won = outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_ok());
    assert_eq!(won.count(), 1);
}

#[tokio::test]
async fn a_decision_that_no_later_one_would_see_is_refused_with_the_tags_that_differ() {
    let app = app(MemoryStore::new()).await;
    let error = app.execute(RegisterCarelessly { username: "Ann".into() }).await.unwrap_err();
    let CommandError::Invalid { reason } = error else { panic!("{error}") };
    assert!(reason.contains("`username:ann`") && reason.contains("`username:Ann`"), "{reason}");
    assert_eq!(app.store().head().await.unwrap(), Position::ZERO);
    app.execute(RegisterCarelessly { username: "bob".into() }).await.unwrap();
}
