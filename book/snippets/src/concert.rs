//! Seats of a concert: tags, the context of a decision, and a condition on the whole log.
//!
//! Invariant: time and identifiers come from the context, so a decision can be repeated.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct ConcertId(String);

#[derive(AggregateId)]
pub struct TicketId(Uuid);

// ANCHOR: tags
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum ConcertEvent {
    SeatSold {
        #[tag]
        seat: u32,
        #[tag("buyer")]
        to: Option<String>,
        ticket: TicketId,
        at: Timestamp,
    },
}
// ANCHOR_END: tags

#[derive(Debug, Default, Aggregate)]
pub struct Concert {
    sold: Vec<u32>,
}

#[evolve]
fn note(concert: &mut Concert, event: &ConcertEvent) {
    let ConcertEvent::SeatSold { seat, .. } = event;
    concert.sold.push(*seat);
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("seat {0} is sold")]
pub struct SeatTaken(pub u32);

// ANCHOR: context
#[derive(Debug, Command)]
pub struct SellSeat {
    #[id]
    pub concert: ConcertId,
    pub seat: u32,
}

/// Replies with the ticket.
#[command_handler]
fn sell_seat(
    concert: &Concert,
    command: &SellSeat,
    context: &CommandContext,
) -> Result<Decision<ConcertEvent, TicketId>, SeatTaken> {
    let seat = command.seat;
    ensure!(!concert.sold.contains(&seat), SeatTaken(seat));
    let ticket: TicketId = context.id(0);
    let to = context.metadata().context().field("user").map(str::to_owned);
    let sold = ConcertEvent::SeatSold { seat, to, ticket, at: context.now() };
    Ok(Decision::emit(sold).reply(ticket))
}
// ANCHOR_END: context

#[cfg(test)]
mod tests {
    use lucent_core::Event as _;
    use lucent_testkit::given;

    use super::*;

    // ANCHOR: time
    #[test]
    fn a_ticket_knows_when_it_was_sold_and_to_whom() {
        let concert = ConcertId::from("spring".to_owned());
        given([])
            .at("2026-03-01T20:00:00Z")
            .in_context(BusinessContext::default().with("user", "ada"))
            .when(SellSeat { concert, seat: 7 })
            .then_matches(|events| {
                let [ConcertEvent::SeatSold { to, at, .. }] = events else { return false };
                to.as_deref() == Some("ada") && at.to_string() == "2026-03-01T20:00:00Z"
            });
    }
    // ANCHOR_END: time

    #[test]
    fn marked_fields_are_tags() {
        let ticket = TicketId::new();
        let at = Timestamp::default();
        let sold = ConcertEvent::SeatSold { seat: 7, to: None, ticket, at };
        let tags: Vec<_> = sold.tags().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(tags, ["seat:7"]);
    }
}
