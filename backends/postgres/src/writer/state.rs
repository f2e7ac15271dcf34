//! Reads what a batch needs, under the ledger's lock.
//!
//! Invariant: the lock is taken by a statement of its own, before the first one that reads, so
//! that what the lock's last holder committed is seen.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use lucent_core::{CommandId, Position, StreamId, Tag, Version, store::Appended};
use tokio_postgres::{Row, types::ToSql};

use crate::{
    connect::{Session, Values},
    fault::Fault,
    reader::{HEAD, HEAD_FROM},
    row::{from_sql, to_sql},
    schema::refuse_missing_partitions,
    writer::{
        knowledge::{Knowledge, Recent},
        request::Request,
    },
};

/// What a batch needs to know and memory did not.
#[derive(Debug, Default)]
pub(crate) struct LockedState {
    pub(crate) versions: HashMap<StreamId, u64>,
    pub(crate) commands: HashMap<CommandId, Appended>,
}

impl LockedState {
    /// Begins a transaction, takes the lock, and reads, all in one go. Knowledge is brought to the
    /// log's end.
    pub(crate) async fn read(
        session: &Session,
        lock: [i32; 2],
        knowledge: &mut Knowledge,
        batch: &[Request],
    ) -> Result<Self, Fault> {
        let streams: HashSet<&StreamId> =
            batch.iter().flat_map(|request| &request.append.writes).map(|w| &w.stream).collect();
        let streams: Vec<&StreamId> = streams.into_iter().collect();
        let names: Vec<&str> = streams.iter().map(|stream| stream.as_str()).collect();
        let commands: Vec<_> = batch
            .iter()
            .flat_map(|request| request.append.command_ids())
            .map(|id| id.uuid())
            .collect();
        let from = to_sql(knowledge.head().unwrap_or(u64::MAX));
        let most = to_sql(MOST_NEWS + 1);
        let (key, news): (&Values<'_>, &Values<'_>) = (&[&lock[0], &lock[1]], &[&from, &most]);
        let (names, ids): (&Values<'_>, &Values<'_>) = (&[&names], &[&commands]);
        let layout = session.layout();
        let floor = to_sql(std::cmp::max(layout.floor(), knowledge.head().unwrap_or_default()));
        let floor: [&(dyn ToSql + Sync); 1] = [&floor];
        let floor: &Values<'_> = if layout.partition_size().is_some() { &floor } else { &[] };
        // The statements are ready, so they are sent in this order, without waiting.
        let (begun, locked, head, news, versions, commands) = futures::join!(
            session.execute(BEGIN, &[]),
            session.query(LOCK, key),
            session.query(layout.choose(HEAD, HEAD_FROM), floor),
            session.query(NEWS, news),
            session.query(layout.choose(VERSIONS, STREAM_VERSIONS), names),
            session.query(COMMANDS, ids),
        );
        begun?;
        locked?;
        let head = match head?.first() {
            Some(row) => row.try_get(0)?,
            // The log is shorter than it was, as after a failover; but positions must not be given
            // out again because a partition was taken away.
            None => {
                refuse_missing_partitions(session).await?;
                session.query_one(HEAD, &[]).await?.try_get(0)?
            }
        };
        catch_up(knowledge, from_sql(head), &news?)?;
        let mut state = Self::default();
        for (stream, row) in streams.into_iter().zip(versions?) {
            state.versions.insert(stream.clone(), from_sql(row.try_get(0)?));
        }
        for row in commands? {
            let (command, outcome) = outcome(&row)?;
            state.commands.insert(command, outcome);
        }
        Ok(state)
    }
}

/// Makes the statements ready, so that a batch does not wait for that.
pub(crate) async fn prepare(session: &Session) -> Result<(), Fault> {
    let layout = session.layout();
    let (head, versions) =
        (layout.choose(HEAD, HEAD_FROM), layout.choose(VERSIONS, STREAM_VERSIONS));
    let all = [BEGIN, LOCK, head, NEWS, versions, COMMANDS, COMMIT, ROLLBACK];
    session.statements(&all).await
}

/// The outcome of the append with this command id.
pub(crate) async fn command_outcome(
    session: &Session,
    command: CommandId,
) -> Result<Option<Appended>, Fault> {
    let rows = session.query(COMMANDS, &[&vec![command.uuid()]]).await?;
    Ok(rows.first().map(outcome).transpose()?.map(|(_, outcome)| outcome))
}

/// Brings knowledge from where it stands to the log's end.
fn catch_up(knowledge: &mut Knowledge, head: u64, news: &[Row]) -> Result<(), Fault> {
    match knowledge.head() {
        Some(known) if known <= head && (news.len() as u64) == head - known => {
            for row in news {
                let tags: Option<Vec<&str>> = row.try_get(3)?;
                let tags = tags.unwrap_or_default().into_iter().map(Tag::new);
                let stream = StreamId::new(row.try_get::<_, &str>(0)?);
                let (Ok(stream), Ok(tags)) = (stream, tags.collect::<Result<Vec<_>, _>>()) else {
                    // Who reads the event will be told; here it only cannot be remembered.
                    knowledge.start_at(head);
                    return Ok(());
                };
                let event_type: String = row.try_get(2)?;
                knowledge.update_version(&stream, from_sql(row.try_get(1)?));
                knowledge.push(Recent { event_type: event_type.into(), tags });
            }
        }
        _ => knowledge.start_at(head),
    }
    Ok(())
}

fn outcome(row: &Row) -> Result<(CommandId, Appended), Fault> {
    let versions: Vec<i64> = row.try_get(2)?;
    let reply: Option<Vec<u8>> = row.try_get(3)?;
    let appended = Appended {
        position: Position::new(from_sql(row.try_get(1)?)),
        versions: versions.into_iter().map(|version| Version::new(from_sql(version))).collect(),
        repeated: true,
        reply: reply.map(Bytes::from),
    };
    Ok((CommandId::from_uuid(row.try_get(0)?), appended))
}

pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
pub(crate) const COMMIT: &str = "COMMIT";
pub(crate) const ROLLBACK: &str = "ROLLBACK";
const LOCK: &str = "SELECT pg_advisory_xact_lock($1, $2)";

const NEWS: &str = "SELECT stream, version, event_type, tags FROM {schema}.events \
     WHERE position > $1 ORDER BY position LIMIT $2";

const VERSIONS: &str = "SELECT coalesce((SELECT e.version FROM {schema}.events AS e \
     WHERE e.stream = w.stream ORDER BY e.version DESC LIMIT 1), 0) FROM unnest($1::text[]) WITH ORDINALITY AS w(stream, number) \
     ORDER BY w.number";

/// In partitions, the versions of streams are kept apart.
const STREAM_VERSIONS: &str = "SELECT coalesce((SELECT s.version FROM {schema}.streams AS s \
     WHERE s.stream = w.stream), 0) FROM unnest($1::text[]) WITH ORDINALITY AS w(stream, number) \
     ORDER BY w.number";

/// One by one: for a list, the server reads all of them if there were none when its statistics were taken.
const COMMANDS: &str = "SELECT c.* FROM unnest($1::uuid[]) AS w(wanted) CROSS JOIN LATERAL (\
     SELECT command_id, position, versions, reply FROM {schema}.commands \
     WHERE command_id = w.wanted OFFSET 0) AS c";

/// If others appended more than this meanwhile, starting anew costs less than catching up.
const MOST_NEWS: u64 = 4_096;
