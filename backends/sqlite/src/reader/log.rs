//! Pages of the whole log.
//!
//! Invariant: [`EventFilter::matches`] decides. SQL only narrows down what is looked at: by tag
//! through the table of tags if every alternative has a tag, else by scanning a window of positions
//! with the types or the category as a test.

use lucent_core::{
    Position, RecordedEvent,
    store::{EventFilter, EventQuery, LogPage, LogRead, PageLimit, QueryItem, ReadFrom},
};
use rusqlite::{Connection, Rows, params};

use crate::{
    fault::Fault,
    heads::read_head,
    reader::stream::Page,
    row::{Decoder, event_columns, from_sql, to_sql},
};

/// Reads a page; each window has a read transaction of its own.
pub(crate) fn read_log(
    conn: &Connection,
    read: &LogRead,
    abandoned: &dyn Fn() -> bool,
) -> Result<LogPage, Fault> {
    let mut from = read.from;
    loop {
        let tx = conn.unchecked_transaction()?;
        let page = read_window(&tx, &read.filter, from, read.limit)?;
        if !page.events.is_empty() || page.end || abandoned() {
            return Ok(page);
        }
        from = match from {
            ReadFrom::After(_) => ReadFrom::After(page.through),
            ReadFrom::Before(_) => ReadFrom::Before(page.through),
        };
    }
}

/// Reads a window of at most this many events after a position, inside the caller's transaction.
pub(crate) fn read_after(
    conn: &Connection,
    filter: &EventFilter,
    after: u64,
    limit: PageLimit,
) -> Result<LogPage, Fault> {
    read_window(conn, filter, ReadFrom::After(Position::new(after)), limit)
}

fn read_window(
    conn: &Connection,
    filter: &EventFilter,
    from: ReadFrom<Position>,
    limit: PageLimit,
) -> Result<LogPage, Fault> {
    let head = read_head(conn)?;
    let span = Span::new(from, head);
    if span.is_empty() {
        return Ok(LogPage { events: Vec::new(), through: span.far_end(from), end: true });
    }
    let mut window = Window { conn, filter, page: Page::new(limit), limit, cut: None };
    let reached = match tags_to_probe(filter) {
        Some(items) => window.probe(&span, items)?,
        None => window.scan(&span)?,
    };
    let (through, end) = match window.cut {
        // The page was cut after this event, which may have been the last one.
        Some(cut) => (cut, span.is_last(cut)),
        None => (reached, span.is_last(reached)),
    };
    Ok(LogPage {
        events: window.page.events,
        through: if end { span.far_end(from) } else { Position::new(through) },
        end,
    })
}

/// The positions that are left, both ends included.
struct Span {
    low: u64,
    high: u64,
    forward: bool,
}

impl Span {
    fn new(from: ReadFrom<Position>, head: u64) -> Self {
        match from {
            ReadFrom::After(after) => {
                Self { low: after.get().saturating_add(1), high: head, forward: true }
            }
            ReadFrom::Before(before) => {
                Self { low: 1, high: before.get().saturating_sub(1).min(head), forward: false }
            }
        }
    }

    const fn is_empty(&self) -> bool {
        self.low > self.high
    }

    /// Where a reader stands who has read everything.
    fn far_end(&self, from: ReadFrom<Position>) -> Position {
        match from {
            ReadFrom::After(after) => Position::new(after.get().max(self.high)),
            ReadFrom::Before(_) => Position::ZERO,
        }
    }

    /// The first positions in the direction of reading.
    fn first(&self, count: u64) -> Self {
        let more = count.saturating_sub(1);
        if self.forward {
            Self { high: self.low.saturating_add(more).min(self.high), ..*self }
        } else {
            Self { low: self.high.saturating_sub(more).max(self.low), ..*self }
        }
    }

    /// The last position in the direction of reading.
    const fn last(&self) -> u64 {
        if self.forward { self.high } else { self.low }
    }

    const fn is_last(&self, position: u64) -> bool {
        if self.forward { position >= self.high } else { position <= self.low }
    }
}

struct Window<'a> {
    conn: &'a Connection,
    filter: &'a EventFilter,
    page: Page,
    limit: PageLimit,
    /// The last event's position, if the page was cut.
    cut: Option<u64>,
}

impl Window<'_> {
    /// Reads the events of a bounded number of positions in their order.
    fn scan(&mut self, span: &Span) -> Result<u64, Fault> {
        let span = span.first(SCANNED_POSITIONS);
        let types = types_to_test(self.filter);
        let (low, high) = (to_sql(span.low), to_sql(span.high));
        let statement = |sql: [&str; 2]| {
            let sql = if span.forward { sql[0] } else { sql[1] };
            self.conn.prepare_cached(sql)
        };
        match (&self.filter.category, types) {
            (Some(category), _) => {
                let (dash, dot) = (format!("{category}-"), format!("{category}."));
                let mut found = statement(CATEGORY)?;
                let rows = found.query(params![low, high, dash, dot, category])?;
                self.collect(rows)?;
            }
            (None, Some(types)) => {
                let mut found = statement(TYPES)?;
                let rows = found.query(params![low, high, types])?;
                self.collect(rows)?;
            }
            (None, None) => {
                let mut found = statement(ALL)?;
                let rows = found.query(params![low, high])?;
                self.collect(rows)?;
            }
        }
        Ok(span.last())
    }

    fn collect(&mut self, mut rows: Rows<'_>) -> Result<(), Fault> {
        let mut decoder = Decoder::default();
        while let Some(row) = rows.next()? {
            if !self.take(decoder.event(row)?) {
                break;
            }
        }
        Ok(())
    }

    /// Adds an event that matches; says whether the page has room for another one.
    fn take(&mut self, event: RecordedEvent) -> bool {
        if !self.filter.matches(&event) {
            return true;
        }
        let room = self.page.take(event) && !self.page.is_full();
        if !room {
            self.cut = self.page.events.last().map(|last| last.position.get());
        }
        room
    }

    /// Reads the events that have one of the tags, a bounded number of them per tag.
    fn probe(&mut self, span: &Span, items: &[QueryItem]) -> Result<u64, Fault> {
        let wanted = self.limit.events.max(PROBED_EVENTS);
        let mut reached = span.last();
        let mut candidates = Vec::new();
        let mut statement = self.conn.prepare_cached(PROBE[usize::from(!span.forward)])?;
        for item in items {
            let Some(tag) = rarest_tag(self.conn, item, span.low, span.high)? else {
                continue;
            };
            let known = candidates.len();
            let mut rows = statement.query(params![
                tag,
                to_sql(span.low),
                to_sql(span.high),
                to_sql(wanted as u64)
            ])?;
            while let Some(row) = rows.next()? {
                candidates.push(from_sql(row.get(0)?));
            }
            // This tag may have more events beyond its last one here.
            if candidates.len() - known >= wanted
                && let Some(&last) = candidates.last()
            {
                reached = if span.forward { reached.min(last) } else { reached.max(last) };
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        if span.forward {
            candidates.retain(|&position| position <= reached);
        } else {
            candidates.retain(|&position| position >= reached);
            candidates.reverse();
        }
        self.fetch(&candidates)?;
        Ok(reached)
    }

    fn fetch(&mut self, positions: &[u64]) -> Result<(), Fault> {
        let mut statement = self.conn.prepare_cached(ONE)?;
        let mut decoder = Decoder::default();
        for &position in positions {
            let mut rows = statement.query([to_sql(position)])?;
            let Some(row) = rows.next()? else {
                let reason = "it is listed in the table of tags and missing in the log";
                return Err(Fault::damaged(format!("event {position}"), reason));
            };
            if !self.take(decoder.event(row)?) {
                break;
            }
        }
        Ok(())
    }
}

/// The alternatives, if each of them has a tag.
fn tags_to_probe(filter: &EventFilter) -> Option<&[QueryItem]> {
    match &filter.query {
        EventQuery::AnyOf(items) if items.iter().all(|item| !item.tags.is_empty()) => Some(items),
        _ => None,
    }
}

/// All types of the alternatives as a JSON array, if each of them has types.
fn types_to_test(filter: &EventFilter) -> Option<String> {
    let EventQuery::AnyOf(items) = &filter.query else {
        return None;
    };
    if items.iter().any(|item| item.types.is_empty()) {
        return None;
    }
    let types: Vec<&str> =
        items.iter().flat_map(|item| item.types.iter().map(|name| &**name)).collect();
    Some(json_array(&types))
}

/// Texts as a JSON array, which is how a list of any length is bound to a statement.
pub(crate) fn json_array(texts: &[&str]) -> String {
    // Texts always encode.
    serde_json::to_string(texts).unwrap_or_default()
}

/// The tag of an alternative that the fewest events of these positions have.
pub(crate) fn rarest_tag<'i>(
    conn: &Connection,
    item: &'i QueryItem,
    low: u64,
    high: u64,
) -> Result<Option<&'i str>, Fault> {
    let (first, rest) = match &*item.tags {
        [] => return Ok(None),
        [first, rest @ ..] => (first, rest),
    };
    if rest.is_empty() {
        return Ok(Some(first.as_str()));
    }
    let mut count = conn.prepare_cached(COUNT)?;
    let mut rarest = (i64::MAX, first);
    for tag in &item.tags {
        let found: i64 =
            count.query_row(params![tag.as_str(), to_sql(low), to_sql(high)], |row| row.get(0))?;
        if found < rarest.0 {
            rarest = (found, tag);
        }
    }
    Ok(Some(rarest.1.as_str()))
}

/// How many positions a scan looks at in one read transaction.
const SCANNED_POSITIONS: u64 = 200_000;

/// How many events of a tag a read looks at in one read transaction, at least.
const PROBED_EVENTS: usize = 2_000;

/// A statement in both directions: forward, backward.
macro_rules! both_ways {
    ($test:literal) => {
        [
            concat!(
                "SELECT ",
                event_columns!(),
                " FROM events WHERE position BETWEEN ?1 AND ?2",
                $test,
                " ORDER BY position"
            ),
            concat!(
                "SELECT ",
                event_columns!(),
                " FROM events WHERE position BETWEEN ?1 AND ?2",
                $test,
                " ORDER BY position DESC"
            ),
        ]
    };
}

const ALL: [&str; 2] = both_ways!("");

const TYPES: [&str; 2] = both_ways!(" AND event_type IN (SELECT value FROM json_each(?3))");

// `.` follows `-`, so the range holds exactly the names that start with the category and a dash. The
// plus signs keep the planner from the index of streams, which is not in the order of positions.
const CATEGORY: [&str; 2] = both_ways!(" AND ((+stream >= ?3 AND +stream < ?4) OR +stream = ?5)");

const PROBE: [&str; 2] = [
    "SELECT position FROM event_tags WHERE tag = ?1 AND position BETWEEN ?2 AND ?3 \
     ORDER BY position LIMIT ?4",
    "SELECT position FROM event_tags WHERE tag = ?1 AND position BETWEEN ?2 AND ?3 \
     ORDER BY position DESC LIMIT ?4",
];

const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM event_tags \
     WHERE tag = ?1 AND position BETWEEN ?2 AND ?3 LIMIT 1000)";

const ONE: &str = concat!("SELECT ", event_columns!(), " FROM events WHERE position = ?1");
