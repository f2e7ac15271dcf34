//! The streams that a batch makes longer, for a ledger in partitions.
//!
//! Invariant: the statement that writes events moves the version of each of their streams, from the
//! one on which the batch was judged; a stream that does not stand there makes it fail.

use std::collections::HashMap;

use tokio_postgres::types::ToSql;

use crate::{
    row::to_sql,
    writer::{
        draft::Standing,
        insert::{insert_many, insert_one},
    },
};

/// The streams of a batch as arrays, one per column.
#[derive(Default)]
pub(super) struct Grown<'a> {
    places: HashMap<&'a str, usize>,
    streams: Vec<&'a str>,
    /// For streams whose versions count from the answer to a question: which one, from 1.
    bases: Vec<Option<i32>>,
    versions: Vec<i64>,
    /// The versions on which the batch was judged.
    previous: Vec<i64>,
    first_positions: Vec<i64>,
    last_positions: Vec<i64>,
}

impl<'a> Grown<'a> {
    /// Adds events of a stream, the last of them at a position.
    pub(super) fn add(&mut self, stream: &'a str, found: Standing, events: usize, last: u64) {
        let (before, base) = match found {
            Standing::Known(version) => (version, None),
            Standing::After { question, grown } => (grown, i32::try_from(question + 1).ok()),
        };
        let (count, last) = (events as u64, to_sql(last));
        let place = *self.places.entry(stream).or_insert(self.streams.len());
        if place < self.streams.len() {
            self.versions[place] = to_sql(before + count);
            self.last_positions[place] = last;
            return;
        }
        self.streams.push(stream);
        self.bases.push(base);
        self.versions.push(to_sql(before + count));
        self.previous.push(to_sql(before));
        self.first_positions.push(last - to_sql(count) + 1);
        self.last_positions.push(last);
    }

    /// The parameters of a statement that follow those of the batch.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 6] {
        [
            &self.streams,
            &self.bases,
            &self.versions,
            &self.previous,
            &self.first_positions,
            &self.last_positions,
        ]
    }
}

/// Under the lock, the tables are of this program's version and the log ends at the head; only the
/// partitions from there on are looked at.
macro_rules! as_judged {
    ($version:literal) => {
        concat!(
            "(SELECT pg_advisory_xact_lock($1, $2)) IS NOT NULL \
             AND (SELECT l.schema_version FROM {schema}.ledger AS l WHERE l.only_row) = ",
            $version,
            " AND coalesce((SELECT e.position FROM {schema}.events AS e WHERE e.position >= $3 \
             ORDER BY e.position DESC LIMIT 1), 0) = $3 "
        )
    };
}

macro_rules! move_versions {
    () => {
        "ON CONFLICT (stream) DO UPDATE SET \
         version = CASE WHEN s.version = excluded.previous THEN excluded.version \
         ELSE {schema}.refuse_version(s.stream) END, \
         previous = excluded.previous, last_position = excluded.last_position RETURNING 1"
    };
}

/// One event, with the parameters that it has on other ledgers.
pub(super) const INSERT_ONE: &str = concat!(
    "WITH grown AS (INSERT INTO {schema}.streams AS s \
     (stream, version, previous, first_position, last_position) \
     SELECT $4::text, $5::bigint, $5::bigint - 1, $3::bigint + 1, $3::bigint + 1 WHERE ",
    as_judged!("$18"),
    "AND coalesce((SELECT v.version FROM {schema}.streams AS v WHERE v.stream = $4), 0) = $5 - 1 ",
    move_versions!(),
    ") ",
    insert_one!(),
    "FROM grown"
);

/// Several events; all versions are known.
pub(super) const INSERT_MANY: &str = concat!(
    "WITH grown AS (INSERT INTO {schema}.streams AS s \
     (stream, version, previous, first_position, last_position) \
     SELECT g.stream, g.version, g.previous, g.first, g.last \
     FROM unnest($21::text[], $22::integer[], $23::bigint[], $24::bigint[], $25::bigint[], \
     $26::bigint[]) AS g(stream, base, version, previous, first, last) WHERE ",
    as_judged!("$20"),
    "AND (SELECT count(*) FROM unnest($4::text[], $5::bigint[]) AS a(stream, expected) \
     WHERE coalesce((SELECT v.version FROM {schema}.streams AS v WHERE v.stream = a.stream), 0) \
     <> a.expected) = 0 ",
    move_versions!(),
    ") ",
    insert_many!(),
    "WHERE (SELECT count(*) FROM grown) > 0"
);

pub(super) const APPEND: &str = "SELECT {schema}.append_partitioned($1, $2, $3, $4, $5, $6, $7, $8, \
     $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, \
     $28, $29, $30, $31, $32, $33, $34, $35)";
