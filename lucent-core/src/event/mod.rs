//! Events: facts of the domain, their stored names, and the envelope they travel in.

mod contract;
mod envelope;
mod metadata;
mod upcast;
mod variant;

pub use contract::{DecodeError, DecodeFault, Event, EventType};
pub use envelope::{NewEvent, RecordedEvent, StreamEvent};
pub use metadata::{BusinessContext, CommandId, EventId, Metadata};
pub use upcast::Upcast;
#[doc(hidden)]
pub use variant::{decode_struct, decode_variant, encode_struct, encode_variant};
