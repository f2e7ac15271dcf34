//! The winners of a batch as arrays, one per column.
//!
//! Invariant: the rows stand in the order of their positions, which are consecutive.

use lucent_core::StreamId;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{
    connect::Session,
    fault::Fault,
    row::{Json, Micros, content_column, time_columns, to_sql},
    schema::SUPPORTED,
    writer::{
        draft::{Asked, Draft, Standing, before},
        grown::{self, Grown},
        insert::{insert_many, insert_one},
        request::EncodedAppend,
    },
};

/// The rows of a batch; everything is borrowed from its appends.
#[derive(Default)]
pub(crate) struct Columns<'a> {
    head: u64,
    streams: Vec<&'a str>,
    versions: Vec<i64>,
    /// For events whose version counts from the answer to a question: which one, from 1.
    bases: Vec<Option<i32>>,
    ids: Vec<Uuid>,
    types: Vec<&'a str>,
    schema_versions: Vec<i64>,
    sizes: Vec<i32>,
    content_types: Vec<Option<&'a str>>,
    payloads: Vec<Option<Json<&'a [u8]>>>,
    bytes: Vec<Option<&'a [u8]>>,
    tags: Vec<Option<&'a str>>,
    correlations: Vec<Uuid>,
    causations: Vec<Uuid>,
    contexts: Vec<Option<Json<&'a str>>>,
    recorded_at: Vec<Micros>,
    prehistoric: Vec<Option<i64>>,
    tag_names: Vec<&'a str>,
    tag_positions: Vec<i64>,
    commands: Vec<Uuid>,
    command_positions: Vec<i64>,
    command_versions: Vec<String>,
    replies: Vec<Option<&'a [u8]>>,
    /// The streams, if the ledger is in partitions and keeps their versions apart.
    grown: Option<Grown<'a>>,
}

impl<'a> Columns<'a> {
    /// No rows after a head, for the ledger of a session.
    pub(crate) fn after(head: u64, session: &Session) -> Self {
        let grown = session.layout().partition_size().map(|_| Grown::default());
        Self { head, grown, ..Self::default() }
    }

    /// Adds the rows of a winner.
    pub(crate) fn add(&mut self, append: &'a EncodedAppend, found: &[Standing]) {
        for (write, &standing) in append.writes.iter().zip(found) {
            let (mut version, base) = match standing {
                Standing::Known(version) => (version, None),
                Standing::After { question, grown } => (grown, i32::try_from(question + 1).ok()),
            };
            for one in &write.events {
                version += 1;
                self.streams.push(write.stream.as_str());
                self.versions.push(to_sql(version));
                self.bases.push(base);
                self.event(one);
            }
            if let Some(grown) = &mut self.grown
                && !write.events.is_empty()
            {
                let last = self.head + self.ids.len() as u64;
                grown.add(write.stream.as_str(), standing, write.events.len(), last);
            }
        }
        let last = to_sql(self.head + self.ids.len() as u64);
        for joined in &append.joined {
            let version = before(found).plus(joined.events);
            self.commands.push(joined.id.uuid());
            self.command_positions.push(last);
            self.command_versions.push(format!("{{{version}}}"));
            self.replies.push(joined.reply.as_deref());
        }
        if let Some(command) = append.command {
            let versions =
                append.writes.iter().zip(found).map(|(write, found)| {
                    (found.resolve(&[]) + write.events.len() as u64).to_string()
                });
            self.commands.push(command.uuid());
            self.command_positions.push(last);
            self.command_versions.push(format!("{{{}}}", versions.collect::<Vec<_>>().join(",")));
            self.replies.push(append.reply.as_deref());
        }
    }

    fn event(&mut self, one: &'a crate::row::EncodedEvent) {
        let event = &one.event;
        let data = &event.payload.data[..];
        self.ids.push(event.id.uuid());
        self.types.push(&event.event_type);
        self.schema_versions.push(i64::from(event.schema_version));
        self.sizes.push(i32::try_from(data.len()).unwrap_or(i32::MAX));
        self.content_types.push(content_column(&event.payload, one.is_json));
        self.payloads.push(one.is_json.then_some(Json(data)));
        self.bytes.push((!one.is_json).then_some(data));
        self.correlations.push(event.metadata.correlation());
        self.causations.push(event.metadata.causation());
        self.contexts.push(one.context.as_ref().map(|Json(text)| Json(&**text)));
        let (recorded_at, prehistoric) = time_columns(event.recorded_at);
        self.recorded_at.push(recorded_at);
        self.prehistoric.push(prehistoric);
        self.tags.push(one.tags.as_deref());
        if let Some(tags) = &one.tags {
            let position = to_sql(self.head + self.ids.len() as u64);
            for tag in tags.split('\n') {
                self.tag_names.push(tag);
                self.tag_positions.push(position);
            }
        }
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.commands.is_empty()
    }

    /// The first event, with its position.
    pub(crate) fn first_event(&self) -> Option<(i64, Uuid)> {
        Some((to_sql(self.head + 1), *self.ids.first()?))
    }

    /// The first command id.
    pub(crate) fn first_command(&self) -> Option<Uuid> {
        self.commands.first().copied()
    }

    /// For each question, the position of the first event that counts from its answer.
    pub(crate) fn first_positions(&self, questions: usize) -> Vec<i64> {
        let mut firsts = vec![0; questions];
        for (position, base) in (self.head + 1..).zip(&self.bases) {
            let base = base.and_then(|base| usize::try_from(base - 1).ok());
            if let Some(first) = base.and_then(|base| firsts.get_mut(base))
                && *first == 0
            {
                *first = to_sql(position);
            }
        }
        firsts
    }

    /// Whether the rows can be written by a plain INSERT: they are events alone, and nothing but
    /// versions is assumed, all of them known.
    pub(crate) fn are_plain(&self, draft: &Draft<'_>) -> bool {
        !self.ids.is_empty()
            && self.commands.is_empty()
            && self.tag_names.is_empty()
            && draft.new_commands.is_empty()
            && draft.free.is_empty()
            && draft.asked.iter().all(|asked| asked.expected >= 0)
    }

    /// Writes plain rows in one statement; says whether the log ended at the head, the versions were
    /// as assumed, and the tables are of this program's version. Nothing is written otherwise.
    ///
    /// The statement has seen the log as it was before it waited for the lock. If others have
    /// appended meanwhile, its positions are taken, so the primary key refuses the rows.
    pub(crate) async fn insert(
        &self,
        session: &Session,
        lock: [i32; 2],
        draft: &Draft<'_>,
    ) -> Result<bool, Fault> {
        let inserted = match self.ids.len() {
            1 => self.insert_one(session, lock).await,
            _ => self.insert_many(session, lock, draft).await,
        };
        match inserted {
            Ok(count) => Ok(count > 0),
            Err(fault) if fault.is_taken() => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn insert_one(&self, session: &Session, lock: [i32; 2]) -> Result<u64, Fault> {
        let sql = session.layout().choose(INSERT_ONE, grown::INSERT_ONE);
        session
            .execute(
                sql,
                &[
                    &lock[0],
                    &lock[1],
                    &to_sql(self.head),
                    &self.streams[0],
                    &self.versions[0],
                    &self.ids[0],
                    &self.types[0],
                    &self.schema_versions[0],
                    &self.sizes[0],
                    &self.content_types[0],
                    &self.payloads[0],
                    &self.bytes[0],
                    &self.correlations[0],
                    &self.causations[0],
                    &self.contexts[0],
                    &self.recorded_at[0],
                    &self.prehistoric[0],
                    &SUPPORTED,
                ],
            )
            .await
    }

    async fn insert_many(
        &self,
        session: &Session,
        lock: [i32; 2],
        draft: &Draft<'_>,
    ) -> Result<u64, Fault> {
        let asked: Vec<&str> = draft.asked.iter().map(|asked| asked.stream.as_str()).collect();
        let expected: Vec<i64> = draft.asked.iter().map(|asked| asked.expected).collect();
        let sql = session.layout().choose(INSERT_MANY, grown::INSERT_MANY);
        session
            .execute(
                sql,
                &self.and_grown(&[
                    &lock[0],
                    &lock[1],
                    &to_sql(self.head),
                    &some(&asked),
                    &some(&expected),
                    &self.streams,
                    &self.versions,
                    &self.ids,
                    &self.types,
                    &self.schema_versions,
                    &self.sizes,
                    &sparse(&self.content_types),
                    &sparse(&self.payloads),
                    &sparse(&self.bytes),
                    &self.correlations,
                    &self.causations,
                    &sparse(&self.contexts),
                    &self.recorded_at,
                    &sparse(&self.prehistoric),
                    &SUPPORTED,
                ]),
            )
            .await
    }

    /// Writes the rows, if the log ends at the head and the draft's assumptions hold: then gives
    /// the versions that were asked for.
    pub(crate) async fn write(
        &self,
        session: &Session,
        lock: [i32; 2],
        draft: &Draft<'_>,
    ) -> Result<Option<Vec<i64>>, Fault> {
        let asked = draft.asked.iter().map(|asked| StreamId::as_str(&asked.stream));
        let asked: Vec<&str> = asked.collect();
        let expected = draft.asked.iter().map(|Asked { expected, .. }| *expected);
        let expected: Vec<i64> = expected.collect();
        let free = draft.free.iter().map(|(tag, after)| (tag.as_str(), to_sql(*after)));
        let (free_tags, free_after): (Vec<&str>, Vec<i64>) = free.unzip();
        let sql = session.layout().choose(APPEND, grown::APPEND);
        let row = session
            .query_one(
                sql,
                &self.and_grown(&[
                    &&lock[..],
                    &to_sql(self.head),
                    &some(&asked),
                    &some(&expected),
                    &some(&draft.new_commands),
                    &some(&free_tags),
                    &some(&free_after),
                    &some(&self.streams),
                    &some(&self.versions),
                    &sparse(&self.bases),
                    &some(&self.ids),
                    &some(&self.types),
                    &some(&self.schema_versions),
                    &some(&self.sizes),
                    &sparse(&self.content_types),
                    &sparse(&self.payloads),
                    &sparse(&self.bytes),
                    &sparse(&self.tags),
                    &some(&self.correlations),
                    &some(&self.causations),
                    &sparse(&self.contexts),
                    &some(&self.recorded_at),
                    &sparse(&self.prehistoric),
                    &some(&self.tag_names),
                    &some(&self.tag_positions),
                    &some(&self.commands),
                    &some(&self.command_positions),
                    &some(&self.command_versions),
                    &some(&self.replies),
                ]),
            )
            .await?;
        Ok(row.try_get(0)?)
    }

    /// The parameters of a statement, with the streams behind them if the ledger wants these.
    fn and_grown<'p>(&'p self, all: &[&'p (dyn ToSql + Sync)]) -> Vec<&'p (dyn ToSql + Sync)> {
        let grown = self.grown.iter().flat_map(Grown::parameters);
        all.iter().copied().chain(grown).collect()
    }
}

/// Makes the statements ready.
pub(crate) async fn prepare(session: &Session) -> Result<(), Fault> {
    let layout = session.layout();
    let all = [
        layout.choose(APPEND, grown::APPEND),
        layout.choose(INSERT_ONE, grown::INSERT_ONE),
        layout.choose(INSERT_MANY, grown::INSERT_MANY),
    ];
    session.statements(&all).await
}

fn some<T>(column: &[T]) -> Option<&[T]> {
    (!column.is_empty()).then_some(column)
}

/// A column without any value is not sent; where the others go on, the server takes it as NULL.
fn sparse<T>(column: &[Option<T>]) -> Option<&[Option<T>]> {
    column.iter().any(Option::is_some).then_some(column)
}

const APPEND: &str = "SELECT {schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)";

/// The version is tested even if it is remembered: that costs less than an array that may be empty.
const INSERT_ONE: &str = concat!(
    insert_one!(),
    "WHERE (SELECT pg_advisory_xact_lock($1, $2)) IS NOT NULL \
     AND (SELECT l.schema_version FROM {schema}.ledger AS l WHERE l.only_row) = $18 \
     AND coalesce((SELECT e.position FROM {schema}.events AS e ORDER BY e.position DESC LIMIT 1), 0) = $3 \
     AND coalesce((SELECT e.version FROM {schema}.events AS e WHERE e.stream = $4 \
     ORDER BY e.version DESC LIMIT 1), 0) = $5 - 1 \
     ON CONFLICT DO NOTHING"
);

const INSERT_MANY: &str = concat!(
    insert_many!(),
    "WHERE (SELECT pg_advisory_xact_lock($1, $2)) IS NOT NULL \
     AND (SELECT l.schema_version FROM {schema}.ledger AS l WHERE l.only_row) = $20 \
     AND coalesce((SELECT e.position FROM {schema}.events AS e ORDER BY e.position DESC LIMIT 1), 0) = $3 \
     AND (SELECT count(*) FROM unnest($4::text[], $5::bigint[]) AS a(stream, expected) \
     WHERE coalesce((SELECT e.version FROM {schema}.events AS e WHERE e.stream = a.stream \
     ORDER BY e.version DESC LIMIT 1), 0) \
     <> a.expected) = 0"
);
