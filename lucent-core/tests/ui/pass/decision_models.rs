//! Decision models in every shape.

use lucent_core::prelude::*;

#[derive(Serialize, Deserialize, Event)]
pub enum InvoiceEvent {
    Issued {
        #[tag]
        customer: String,
        #[tag("a-key-that-is-longer-than-one-chunk")]
        number: u64,
    },
}

#[derive(DecisionModel)]
#[decision_model(event = InvoiceEvent, name = "last_number")]
struct LastNumber(u64);

#[evolve]
fn count(last: &mut LastNumber, event: &InvoiceEvent) {
    let InvoiceEvent::Issued { number, .. } = event;
    last.0 = *number;
}

#[derive(DecisionModel)]
#[decision_model(event = InvoiceEvent, types("Issued"))]
struct Number {
    #[tag("a-key-that-is-longer-than-one-chunk")]
    number: u64,
    is_used: bool,
}

impl Evolve for Number {
    fn evolve(&mut self, _: &InvoiceEvent) {
        self.is_used = true;
    }
}

mod private {
    use super::*;

    #[derive(Command)]
    #[command(untagged)]
    pub(super) struct IssueNext {
        pub(super) customer: String,
    }

    #[command_handler]
    pub(super) fn issue_next(last: &LastNumber, command: &IssueNext) -> InvoiceEvent {
        InvoiceEvent::Issued { customer: command.customer.clone(), number: last.0 + 1 }
    }
}

#[derive(Clone, Command)]
struct Issue {
    #[tag("a-key-that-is-longer-than-one-chunk")]
    number: u64,
    customer: &'static str,
}

#[command_handler]
fn issue(
    (number, _last): (&Number, &LastNumber),
    command: Issue,
    context: &CommandContext,
) -> Option<InvoiceEvent> {
    let _ = context.exists();
    let customer = command.customer.to_owned();
    (!number.is_used).then_some(InvoiceEvent::Issued { customer, number: command.number })
}

lucent_core::registry! { functions: [private::issue_next, issue] }

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let app = App::new(registry()).store(MemoryStore::new()).start().await.unwrap();
        app.execute(private::IssueNext { customer: "a".into() }).await.unwrap();
        assert_eq!(app.execute(Issue { number: 1, customer: "b" }).await.unwrap().events, 0);
        assert_eq!(app.execute(Issue { number: 2, customer: "b" }).await.unwrap().events, 1);
        let done = app.execute(private::IssueNext { customer: "c".into() }).await.unwrap();
        assert_eq!(done.position, Position::new(3));
    });
}
