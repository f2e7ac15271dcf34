//! Steps of projections that run outside of an append.
//!
//! Invariant: a step is one statement, so that it is taken as a whole or not at all.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use lucent_core::{
    Position,
    store::{
        CommitError, DocumentChange, Fence, ParkedChange, ParkedKey, ProjectionCommit,
        ProjectionId, Replacement,
    },
};

use tokio_postgres::types::ToSql;

use crate::{
    connect::Session,
    fault::Fault,
    leases,
    reader::key_columns,
    row::{Json, from_sql, to_sql},
    writer::part::{LEASE_LOST, PROJECT_PART, Part},
};

/// Takes a step of a projection.
pub(crate) async fn take_step(
    session: &Session,
    commit: &ProjectionCommit,
) -> Result<Result<(), CommitError>, Fault> {
    // Of several changes of one document the last one counts. Neighbors in the index are written
    // one after another.
    let mut changes = BTreeMap::new();
    for change in &commit.changes {
        match change {
            DocumentChange::Put(document) => {
                changes.insert(document.key.as_str(), Some(Json(&document.body[..])))
            }
            DocumentChange::Delete(key) => changes.insert(key.as_str(), None),
        };
    }
    let (mut keys, mut bodies, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    for (key, body) in changes {
        match body {
            Some(body) => {
                keys.push(key);
                bodies.push(body);
            }
            None => deleted.push(key),
        }
    }
    let parked = ParkedColumns::of(&commit.parked);
    let parks = !commit.parked.is_empty();
    let name = &*commit.projection.name;
    let version = i64::from(commit.projection.version);
    let (from, to) = (to_sql(commit.from.get()), to_sql(commit.to.get()));
    let revision = to_sql(commit.revision);
    let keys = (!keys.is_empty()).then_some(keys);
    let bodies = (!bodies.is_empty()).then_some(bodies);
    let deleted = (!deleted.is_empty()).then_some(deleted);
    let kinds = parks.then_some(parked.kinds);
    let parked_keys = parks.then_some(parked.keys);
    let positions = parks.then_some(parked.positions);
    let streams = parks.then_some(parked.streams);
    let types = parks.then_some(parked.types);
    let reasons = parks.then_some(parked.reasons);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![
        &name,
        &version,
        &from,
        &to,
        &revision,
        &commit.activate,
        &keys,
        &bodies,
        &deleted,
        &kinds,
        &parked_keys,
        &positions,
        &streams,
        &types,
        &reasons,
    ];
    let part = Part::of(commit);
    let sql = match &part {
        None => PROJECT,
        Some(part) => {
            values.extend(part.values());
            PROJECT_PART
        }
    };
    let row = session.query_one(sql, &values).await?;
    let projection = commit.projection.clone();
    Ok(match (&commit.fence, row.try_get::<_, Option<i64>>(0)?) {
        (_, None) => Err(CommitError::ParkedMoved { projection }),
        (Some(fence), Some(LEASE_LOST)) => {
            let held_by = leases::holder(session, &fence.lease).await?;
            Err(CommitError::LeaseLost { projection, lease: fence.lease.clone(), held_by })
        }
        (_, Some(found)) => match Position::new(from_sql(found)) {
            found if found == commit.from => Ok(()),
            found => Err(CommitError::CheckpointMoved { projection, expected: commit.from, found }),
        },
    })
}

/// Puts what was built under other ids into its places.
pub(crate) async fn replace(
    session: &Session,
    replacements: &[Replacement],
    fence: Option<&Fence>,
) -> Result<Result<(), CommitError>, Fault> {
    let Some(first) = replacements.first() else { return Ok(Ok(())) };
    let built = || replacements.iter().map(|one| &one.built);
    let place = || replacements.iter().map(|one| &one.place);
    let names = [built().map(name).collect::<Vec<_>>(), place().map(name).collect()];
    let versions = [built().map(version).collect::<Vec<_>>(), place().map(version).collect()];
    let (lease, token) =
        (fence.map(|fence| &*fence.lease), fence.map_or(0, |fence| to_sql(fence.token)));
    let values: [&(dyn ToSql + Sync); 6] =
        [&names[0], &versions[0], &names[1], &versions[1], &lease, &token];
    // Removing many documents takes long.
    let rows = session.query_at_length(REPLACE, &values).await?;
    let row = rows.first().expect("a function that gives no set gives one row");
    Ok(match (row.try_get::<_, i32>(0)?, fence) {
        (0, _) => Ok(()),
        (behind, Some(fence)) if behind < 0 => {
            let held_by = leases::holder(session, &fence.lease).await?;
            let (projection, lease) = (first.place.clone(), Arc::clone(&fence.lease));
            Err(CommitError::LeaseLost { projection, lease, held_by })
        }
        (behind, _) => {
            let index = usize::try_from(behind - 1).unwrap_or_default();
            let projection = replacements.get(index).unwrap_or(first).built.clone();
            let (found, expected) = (row.try_get(1)?, row.try_get(2)?);
            let (found, expected) = (from_sql(found), from_sql(expected));
            let (found, expected) = (Position::new(found), Position::new(expected));
            Err(CommitError::CheckpointMoved { projection, expected, found })
        }
    })
}

fn name(projection: &ProjectionId) -> &str {
    &projection.name
}

fn version(projection: &ProjectionId) -> i64 {
    i64::from(projection.version)
}

/// Changes of parked events, column by column; one without a stream is taken out of its line.
#[derive(Default)]
struct ParkedColumns<'a> {
    kinds: Vec<i16>,
    keys: Vec<&'a str>,
    positions: Vec<i64>,
    streams: Vec<Option<&'a str>>,
    types: Vec<Option<&'a str>>,
    reasons: Vec<Option<&'a str>>,
}

impl<'a> ParkedColumns<'a> {
    fn of(changes: &'a [ParkedChange]) -> Self {
        // Of several changes of one event the last one counts.
        let mut last: HashMap<(&ParkedKey, Position), &ParkedChange> = HashMap::new();
        for change in changes {
            let place = match change {
                ParkedChange::Park(event) => (&event.key, event.position),
                ParkedChange::Release { key, position } => (key, *position),
            };
            last.insert(place, change);
        }
        let mut columns = Self::default();
        for ((key, position), change) in last {
            let (kind, key) = key_columns(key);
            columns.kinds.push(kind);
            columns.keys.push(key);
            columns.positions.push(to_sql(position.get()));
            let parked = match change {
                ParkedChange::Park(event) => Some(event),
                ParkedChange::Release { .. } => None,
            };
            columns.streams.push(parked.map(|event| event.stream.as_str()));
            columns.types.push(parked.map(|event| event.event_type.as_str()));
            columns.reasons.push(parked.and_then(|event| event.reason.as_deref()));
        }
        columns
    }
}

const PROJECT: &str =
    "SELECT {schema}.project($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

const REPLACE: &str = "SELECT behind, built_at, place_at \
     FROM {schema}.replace_projections($1, $2, $3, $4, $5, $6)";
