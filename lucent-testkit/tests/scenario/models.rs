//! Decision models: seats in a room, by room and by guest.

use lucent_core::prelude::*;
use lucent_testkit::{given, given_in, nothing, refused};

use super::fails;

#[derive(AggregateId)]
struct RoomId(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum RoomEvent {
    RoomOpened {
        #[tag]
        room: RoomId,
        seats: u32,
    },
    RoomEnlarged {
        #[tag]
        room: RoomId,
        seats: u32,
    },
    SeatTaken {
        #[tag]
        room: RoomId,
        #[tag]
        guest: String,
    },
}

/// Flawed: it leaves out that rooms are enlarged.
#[derive(DecisionModel)]
#[decision_model(event = RoomEvent, types("RoomOpened", "SeatTaken"))]
struct Seats {
    #[tag]
    room: RoomId,
    free: u32,
}

impl Evolve for Seats {
    fn evolve(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::RoomOpened { seats, .. } | RoomEvent::RoomEnlarged { seats, .. } => {
                self.free += seats;
            }
            RoomEvent::SeatTaken { .. } => self.free -= 1,
        }
    }
}

#[derive(DecisionModel)]
#[decision_model(event = RoomEvent)]
struct Guest {
    #[tag]
    guest: String,
    rooms: Vec<RoomId>,
}

impl Evolve for Guest {
    fn evolve(&mut self, event: &RoomEvent) {
        if let RoomEvent::SeatTaken { room, .. } = event {
            self.rooms.push(*room);
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the room is full")]
    Full,
}

#[derive(Debug, Command)]
struct TakeSeat {
    #[tag]
    room: RoomId,
    #[tag]
    guest: String,
}

#[command_handler]
fn take_seat(
    (seats, guest): (&Seats, &Guest),
    command: &TakeSeat,
    context: &CommandContext,
) -> Result<Decision<RoomEvent, u64>, Refusal> {
    if guest.rooms.contains(&command.room) {
        return Ok(Decision::nothing().reply(context.version().get()));
    }
    ensure!(seats.free > 0, Refusal::Full);
    let taken = RoomEvent::SeatTaken { room: command.room, guest: command.guest.clone() };
    Ok(Decision::emit(taken).reply(context.version().get()))
}

/// Flawed: the event has another tag than the command, unless that is in lower case.
#[derive(Debug, Command)]
struct Greet {
    #[tag]
    guest: String,
}

#[command_handler]
fn greet(_: &Guest, command: &Greet) -> RoomEvent {
    RoomEvent::SeatTaken { room: RoomId::from(1), guest: command.guest.to_lowercase() }
}

fn opened(room: u32, seats: u32) -> RoomEvent {
    RoomEvent::RoomOpened { room: room.into(), seats }
}

fn taken(room: u32, guest: &str) -> RoomEvent {
    RoomEvent::SeatTaken { room: room.into(), guest: guest.to_owned() }
}

fn take(room: u32, guest: &str) -> TakeSeat {
    TakeSeat { room: room.into(), guest: guest.to_owned() }
}

#[test]
fn a_command_is_decided_on_the_events_with_its_tags() {
    given([opened(1, 1), opened(2, 1), taken(2, "bob")])
        .when(take(1, "ann"))
        .then(taken(1, "ann"))
        .and_reply(1)
        .and_state(|(seats, guest): &(Seats, Guest)| seats.free == 0 && guest.rooms.len() == 1)
        .and_when(take(1, "ann"))
        .then(nothing())
        .and_when(take(1, "eve"))
        .then(refused(Refusal::Full));
    given_in(RoomId::from(9), [opened(1, 1)]).when(take(1, "ann")).then(taken(1, "ann"));
}

#[test]
fn differing_events_are_shown() {
    fails(
        || {
            given([opened(1, 2)]).when(take(1, "ann")).then(taken(1, "bob"));
        },
        r#"
        scenario failed: the events differ
          given   1  RoomOpened { room: 1, seats: 2 }
          when       TakeSeat { room: RoomId(1), guest: "ann" }
          then    1  SeatTaken
                -      guest: "bob"   expected
                +      guest: "ann"   actual
          help       if these events are right, expect them with `.then([…])`
        "#,
    );
}

#[test]
fn a_model_that_sees_none_of_the_given_events_is_pointed_out() {
    fails(
        || {
            given([opened(1, 2)]).when(take(2, "ann")).then(taken(2, "ann"));
        },
        r#"
        scenario failed: the command was refused
          given   1  RoomOpened { room: 1, seats: 2 }
          when       TakeSeat { room: RoomId(2), guest: "ann" }
          then  - 1  SeatTaken { room: 2, guest: "ann" }   expected
                +    refused: Full ("the room is full")    actual
          help       no event of the scenario has what `Seats` looks for, `room:2`; there is `RoomOpened`
                     with `room:1`
        "#,
    );
}

#[test]
fn an_event_that_a_model_leaves_out_is_found_if_it_matters() {
    let enlarged = || RoomEvent::RoomEnlarged { room: 1.into(), seats: 1 };
    fails(
        || {
            given([opened(1, 0), enlarged()]).when(take(1, "ann")).then(refused(Refusal::Full));
        },
        r#"
        scenario failed: an event that the models leave out matters to the decision
          given   1  RoomOpened { room: 1, seats: 0 }
                  2  RoomEnlarged { room: 1, seats: 1 }
          when       TakeSeat { room: RoomId(1), guest: "ann" }
          check + 1  SeatTaken { room: 1, guest: "ann" }    with the event
                -      refused: Full ("the room is full")   as it is
                +      1                                    with the event
          help       `RoomEnlarged` has the tags of a model that handles it and does not list it: add it
                     to `types(…)`
                     (`.without_checks()` turns this check off)
        "#,
    );
    // It does not matter here.
    given([opened(1, 1), enlarged()]).when(take(1, "ann")).then(taken(1, "ann"));
}

#[test]
fn events_that_no_later_decision_would_see_are_found() {
    fails(
        || {
            given([]).when(Greet { guest: "Ann".to_owned() }).then(taken(1, "ann"));
        },
        r#"
        scenario failed: no later decision would see the events
          given      nothing
          when       Greet { guest: "Ann" }
          then       its event `SeatTaken` has `room:1` and `guest:ann`, and the models that are built from such events look for `guest:Ann`: no later decision would see it; give the event the tags of the command, spelt the same
          help       the application answers such a command with `CommandError::Invalid`
        "#,
    );
    given([]).when(Greet { guest: "ann".to_owned() }).then(taken(1, "ann"));
}
