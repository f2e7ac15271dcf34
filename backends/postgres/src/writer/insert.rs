//! How plain events are inserted, in a ledger of either layout.
//!
//! Invariant: both layouts write the same columns, from the same parameters; what follows says from
//! where and on what condition.

/// One event behind the head.
macro_rules! insert_one {
    () => {
        "INSERT INTO {schema}.events (position, stream, version, event_id, \
         event_type, schema_version, size, content_type, payload, bytes, correlation, causation, \
         context, recorded_at, prehistoric) \
         SELECT $3::bigint + 1, $4::text, $5::bigint, $6::uuid, $7::text, $8::bigint, $9::integer, \
         $10::text, $11::json, $12::bytea, $13::uuid, $14::uuid, $15::json, $16::timestamptz, \
         $17::bigint "
    };
}
pub(super) use insert_one;

/// Several events behind the head. A binary COPY of the same rows takes the server as long, most of it
/// for the indexes.
macro_rules! insert_many {
    () => {
        "INSERT INTO {schema}.events (position, stream, version, event_id, \
         event_type, schema_version, size, content_type, payload, bytes, correlation, causation, \
         context, recorded_at, prehistoric) \
         SELECT $3::bigint + n.number, n.stream, n.version, n.event_id, n.event_type, \
         n.schema_version, n.size, n.content_type, n.payload, n.bytes, n.correlation, n.causation, \
         n.context, n.recorded_at, n.prehistoric \
         FROM unnest($6::text[], $7::bigint[], $8::uuid[], $9::text[], $10::bigint[], \
         $11::integer[], $12::text[], $13::json[], $14::bytea[], $15::uuid[], $16::uuid[], \
         $17::json[], $18::timestamptz[], $19::bigint[]) WITH ORDINALITY \
         AS n(stream, version, event_id, event_type, schema_version, size, content_type, payload, \
         bytes, correlation, causation, context, recorded_at, prehistoric, number) "
    };
}
pub(super) use insert_many;
