//! Finds the first event that breaks an append's condition.
//!
//! Invariant: agrees with `EventQuery::matches`, and sees what earlier requests of the batch wrote.

use lucent_core::store::{AppendCondition, EventQuery, QueryItem};
use rusqlite::{OptionalExtension as _, ToSql};

use crate::{
    fault::Fault,
    reader::{json_array, rarest_tag},
    row::{from_sql, to_sql},
    writer::batch::Batch,
};

impl Batch<'_> {
    /// The position of the first event after the condition's that matches its query.
    pub(crate) fn first_match(&self, condition: &AppendCondition) -> Result<Option<u64>, Fault> {
        let after = condition.after.get();
        // Most decisions have seen the newest event.
        if after >= self.cache.head {
            return Ok(None);
        }
        let items = match &condition.query {
            EventQuery::All => return Ok(Some(after + 1)),
            EventQuery::AnyOf(items) => items,
        };
        let mut first = None;
        for item in items {
            let found = self.first_of(item, after)?;
            first = match (first, found) {
                (Some(first), Some(found)) => Some(std::cmp::min::<u64>(first, found)),
                (first, found) => first.or(found),
            };
        }
        Ok(first)
    }

    fn first_of(&self, item: &QueryItem, after: u64) -> Result<Option<u64>, Fault> {
        let next = after + 1;
        let types: Vec<&str> = item.types.iter().map(|name| &**name).collect();
        let types = json_array(&types);
        let low = to_sql(next);
        let Some(tag) = rarest_tag(self.conn, item, next, self.cache.head)? else {
            if item.types.is_empty() {
                return Ok(Some(next));
            }
            return self.position(TYPES, &[&low, &types]);
        };
        if item.types.is_empty() && item.tags.len() == 1 {
            return self.position(TAG, &[&low, &tag]);
        }
        let tags: Vec<&str> = item.tags.iter().map(lucent_core::Tag::as_str).collect();
        let any_type = item.types.is_empty();
        self.position(TAGS_AND_TYPES, &[&low, &tag, &json_array(&tags), &any_type, &types])
    }

    fn position(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Option<u64>, Fault> {
        let found: Option<i64> =
            self.conn.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
        Ok(found.map(from_sql))
    }
}

const TAG: &str = "SELECT position FROM event_tags WHERE tag = ?2 AND position >= ?1 \
     ORDER BY position LIMIT 1";

const TYPES: &str = "SELECT position FROM events WHERE position >= ?1 \
     AND event_type IN (SELECT value FROM json_each(?2)) ORDER BY position LIMIT 1";

const TAGS_AND_TYPES: &str = "SELECT t.position FROM event_tags AS t \
     WHERE t.tag = ?2 AND t.position >= ?1 \
     AND NOT EXISTS (SELECT 1 FROM json_each(?3) AS wanted WHERE NOT EXISTS \
         (SELECT 1 FROM event_tags AS o WHERE o.tag = wanted.value AND o.position = t.position)) \
     AND (?4 OR (SELECT e.event_type FROM events AS e WHERE e.position = t.position) \
         IN (SELECT value FROM json_each(?5))) \
     ORDER BY t.position LIMIT 1";
