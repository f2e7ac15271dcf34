//! Defects of what is kept of an event.

use std::sync::Arc;

use lucent_core::{
    BusinessContext, ContentType, EventId, MemoryStore, Metadata, NewEvent, Payload, StreamId,
    Timestamp, Uuid,
    store::{Append, AppendError, Appended, EventStore as _},
};

use crate::conformance::mutants::{defect::PAYLOAD_LIMIT, defects};

type Outcome = Result<Appended, AppendError>;

/// Appends events that were changed on their way.
async fn changed(store: &MemoryStore, mut append: Append, change: fn(&mut NewEvent)) -> Outcome {
    append.validate(PAYLOAD_LIMIT)?;
    append.writes.iter_mut().flat_map(|write| &mut write.events).for_each(change);
    store.append(append).await
}

fn metadata(event: &mut NewEvent, correlation: Uuid, causation: Uuid, context: BusinessContext) {
    event.metadata = Arc::new(Metadata::from_parts(correlation, causation, context));
}

macro_rules! changes {
    ($($name:ident rejected by $behavior:literal $change:expr;)*) => {
        defects! {
            $($name rejected by $behavior {
                async fn append(store: &MemoryStore, append: Append) -> Outcome {
                    changed(store, append, $change).await
                }
            })*
            FoldsStreamNames rejected by "reading_streams::similar_names_are_different_streams" {
                async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
                    for write in &mut append.writes {
                        write.stream = StreamId::new(write.stream.as_str().trim()).unwrap_or_else(|_| write.stream.clone());
                    }
                    store.append(append).await
                }
            }
            CutsStreamNames rejected by "payloads::odd_stream_names_come_back" {
                async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
                    for write in &mut append.writes {
                        let name: String = write.stream.as_str().chars().take(255).collect();
                        write.stream = StreamId::new(name).expect("names stay valid");
                    }
                    store.append(append).await
                }
            }
        }
    };
}

changes! {
    LosesTags rejected by "append::events_come_back_with_every_field" |event| event.tags.clear();
    SortsTags rejected by "payloads::many_tags_keep_their_order" |event| event.tags.sort();
    CutsTags rejected by "payloads::many_tags_keep_their_order" |event| event.tags.truncate(64);
    RefusesLongTags rejected by "payloads::odd_tags_come_back" |event| {
        event.tags.retain(|tag| tag.as_str().len() < 256);
    };
    CutsTimesToMilliseconds rejected by "time::microseconds_are_kept" |event| {
        let micros = event.recorded_at.as_micros();
        event.recorded_at = Timestamp::from_micros(micros - micros % 1_000);
    };
    KeepsNoTimesBefore1970 rejected by "time::times_before_1970_are_kept" |event| {
        event.recorded_at = Timestamp::from_micros(event.recorded_at.as_micros().max(0));
    };
    KeepsTimesInNanoseconds rejected by "time::the_ends_of_the_calendar_are_kept" |event| {
        let nanos = event.recorded_at.as_micros().saturating_mul(1_000);
        event.recorded_at = Timestamp::from_micros(nanos / 1_000);
    };
    StampsItsOwnTime rejected by "time::a_clock_that_goes_back_changes_no_order" |event| {
        event.recorded_at = Timestamp::from_micros(1_900_000_000_000_000);
    };
    LosesTheContext rejected by "payloads::metadata_comes_back" |event| {
        let (one, other) = (event.metadata.correlation(), event.metadata.causation());
        metadata(event, one, other, BusinessContext::default());
    };
    MixesUpCausation rejected by "payloads::metadata_comes_back" |event| {
        let (one, other) = (event.metadata.correlation(), event.metadata.causation());
        metadata(event, other, one, event.metadata.context().clone());
    };
    MakesNewIds rejected by "payloads::event_ids_come_back" |event| event.id = EventId::new();
    ReformatsJson rejected by "payloads::json_comes_back_as_it_was_written" |event| {
        if event.payload.content_type == ContentType::Json {
            let text: Vec<u8> = event.payload.data.iter().copied().filter(|byte| *byte != b' ').collect();
            event.payload.data = text.into();
        }
    };
    TakesEverythingForJson rejected by "payloads::content_types_come_back" |event| {
        event.payload.content_type = ContentType::Json;
    };
    TakesEverythingForText rejected by "payloads::every_byte_comes_back" |event| {
        let text = String::from_utf8_lossy(&event.payload.data).into_owned();
        event.payload.data = text.into();
    };
    CutsAtZeroBytes rejected by "payloads::every_byte_comes_back" |event| {
        let end = event.payload.data.iter().position(|byte| *byte == 0);
        event.payload.data.truncate(end.unwrap_or(usize::MAX));
    };
    CutsLongPayloads rejected by "payloads::a_payload_of_a_megabyte" |event| {
        event.payload.data.truncate(1_000_000);
    };
    TakesEmptyForNull rejected by "payloads::an_empty_payload" |event| {
        if event.payload.data.is_empty() {
            event.payload = Payload::json(&()).expect("nothing encodes");
        }
    };
    KeepsLatinTextOnly rejected by "payloads::text_of_every_script" |event| {
        let text = String::from_utf8_lossy(&event.payload.data).replace('\u{feff}', "");
        event.payload.data = text.into();
    };
    FoldsTypes rejected by "filters::types_are_found_in_order" |event| {
        event.event_type = event.event_type.to_uppercase().into();
    };
    CutsSchemaVersions rejected by "payloads::odd_types_come_back" |event| {
        event.schema_version &= 0xffff;
    };
}
