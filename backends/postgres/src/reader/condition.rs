//! Finds events by type and tag.
//!
//! Invariant: agrees with `EventQuery::matches`. Tags are looked up in their index, the rarest one
//! first; types alone are looked for in the log, a window at a time.

use lucent_core::{
    Position, Tag,
    store::{AppendCondition, EventQuery, QueryItem},
};

use crate::{
    connect::{Session, Values},
    fault::Fault,
    reader::{
        log::{WINDOW, read_head},
        whole::refuse_missing,
    },
    row::{from_sql, to_sql},
};

/// How far a condition was checked, and the first event that breaks it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    pub(crate) through: Position,
    pub(crate) found: Option<Position>,
}

/// The first event after the condition's position that matches its query.
pub(crate) async fn first_match(
    session: &Session,
    condition: &AppendCondition,
) -> Result<Checked, Fault> {
    let head = read_head(session).await?.get();
    let after = condition.after.get();
    let mut checked =
        Checked { through: std::cmp::max(condition.after, Position::new(head)), found: None };
    if after >= head {
        return Ok(checked);
    }
    match &condition.query {
        EventQuery::All => {
            let rows = session.query(ANY, &[&to_sql(after)]).await?;
            let first = rows.first().map(|row| row.try_get(0)).transpose()?;
            checked.found = first.map(|first| Position::new(from_sql(first)));
        }
        EventQuery::AnyOf(items) => {
            // Each further item needs to look no further than the first event found so far.
            let mut last = head;
            for item in items {
                if let Some(found) = first_of(session, item, after, last).await? {
                    checked.found = Some(Position::new(found));
                    last = found - 1;
                }
            }
        }
    }
    Ok(checked)
}

/// The first event after one position, up to another one, that matches an item.
async fn first_of(
    session: &Session,
    item: &QueryItem,
    after: u64,
    last: u64,
) -> Result<Option<u64>, Fault> {
    if !item.tags.is_empty() {
        let range = Range { after, through: last, forward: true, limit: 1 };
        return Ok(tagged(session, item, range).await?.first().copied().map(from_sql));
    }
    if item.types.is_empty() {
        let rows = session.query(ANY, &[&to_sql(after)]).await?;
        let first = rows.first().map(|row| row.try_get(0)).transpose()?;
        return Ok(first.map(from_sql).filter(|first| *first <= last));
    }
    let types: Vec<&str> = item.types.iter().map(|name| &**name).collect();
    let mut low = after;
    while low < last {
        let high = std::cmp::min(low.saturating_add(WINDOW), last);
        let (after, through) = (to_sql(low), to_sql(high));
        let values: &Values<'_> = &[&after, &through, &types];
        let (rows, whole) = futures::join!(
            session.query(TYPES, values),
            refuse_missing(session, low, high, std::iter::empty()),
        );
        whole?;
        if let Some(row) = rows?.first() {
            return Ok(Some(from_sql(row.try_get(0)?)));
        }
        low = high;
    }
    Ok(None)
}

/// A range of the log, and how much of it is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// Exclusive.
    pub(super) after: u64,
    /// Inclusive.
    pub(super) through: u64,
    pub(super) forward: bool,
    pub(super) limit: i64,
}

/// The positions of a range that match an item that has tags, in the range's direction.
pub(super) async fn tagged(
    session: &Session,
    item: &QueryItem,
    range: Range,
) -> Result<Vec<i64>, Fault> {
    let (after, through) = (to_sql(range.after), to_sql(range.through));
    let tag = rarest(session, &item.tags, after).await?;
    let rows = if item.types.is_empty() && item.tags.len() == 1 {
        let sql = if range.forward { TAG_FORWARD } else { TAG_BACKWARD };
        session.query(sql, &[&tag, &after, &through, &range.limit]).await?
    } else {
        let sql = if range.forward { TAGS_FORWARD } else { TAGS_BACKWARD };
        let tags: Vec<&str> = item.tags.iter().map(Tag::as_str).collect();
        let types: Vec<&str> = item.types.iter().map(|name| &**name).collect();
        let types = (!types.is_empty()).then_some(types);
        session.query(sql, &[&tag, &after, &through, &range.limit, &tags, &types]).await?
    };
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The tag with the fewest events after a position, as far as a short look tells.
async fn rarest<'t>(session: &Session, tags: &'t [Tag], after: i64) -> Result<&'t str, Fault> {
    let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    if let [only] = texts[..] {
        return Ok(only);
    }
    let row = session.query_one(RAREST, &[&texts, &after]).await?;
    let index: i64 = row.try_get(0)?;
    Ok(usize::try_from(index - 1).ok().and_then(|index| texts.get(index)).copied().unwrap_or(""))
}

const ANY: &str = "SELECT position FROM {schema}.events WHERE position > $1 \
     ORDER BY position LIMIT 1";

const TYPES: &str = "SELECT position FROM {schema}.events WHERE position > $1 AND position <= $2 \
     AND event_type = ANY($3) ORDER BY position LIMIT 1";

const RAREST: &str = "SELECT w.number FROM unnest($1::text[]) WITH ORDINALITY AS w(tag, number) \
     ORDER BY (SELECT count(*) FROM (SELECT 1 FROM {schema}.event_tags AS t \
         WHERE t.tag = w.tag AND t.position > $2 LIMIT 1000) AS few), w.number LIMIT 1";

const TAG_FORWARD: &str = "SELECT position FROM {schema}.event_tags \
     WHERE tag = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4";

const TAG_BACKWARD: &str = "SELECT position FROM {schema}.event_tags \
     WHERE tag = $1 AND position > $2 AND position <= $3 ORDER BY position DESC LIMIT $4";

/// Scalar subqueries, which no planner turns into a join over the whole table. An event whose partition
/// is gone counts as found: it may be of a type that is asked for.
macro_rules! tags_and_types {
    ($order:literal) => {
        concat!(
            "SELECT t.position FROM {schema}.event_tags AS t \
             WHERE t.tag = $1 AND t.position > $2 AND t.position <= $3 \
             AND (SELECT count(*) FROM unnest($5::text[]) AS w(tag) WHERE \
                 (SELECT o.position FROM {schema}.event_tags AS o \
                  WHERE o.tag = w.tag AND o.position = t.position) IS NULL) = 0 \
             AND ($6::text[] IS NULL OR coalesce((SELECT e.event_type FROM {schema}.events AS e \
                 WHERE e.position = t.position) = ANY($6), true)) \
             ORDER BY t.position ",
            $order,
            " LIMIT $4"
        )
    };
}

const TAGS_FORWARD: &str = tags_and_types!("ASC");
const TAGS_BACKWARD: &str = tags_and_types!("DESC");
