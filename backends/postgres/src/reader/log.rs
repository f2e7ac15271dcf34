//! Reading the log.
//!
//! Invariant: `through` never runs past an event that matches and is not in the page: the head is
//! read before anything that is looked for up to it.

use lucent_core::{
    Position,
    store::{EventFilter, EventQuery, LogPage, LogRead, PageLimit, QueryItem, ReadFrom},
};
use tokio_postgres::Row;

use crate::{
    connect::Session,
    fault::Fault,
    reader::{
        condition::{Range, tagged},
        page::{Cut, cut, rows},
        whole::{Order, positions, refuse_gap, refuse_lost, refuse_missing, refuse_shorter},
    },
    row::{event_columns, from_sql, to_sql},
};

/// How many events are looked at by one statement, so that none runs for long.
pub(super) const WINDOW: u64 = 1 << 16;

/// The position of the newest event.
pub(crate) async fn read_head(session: &Session) -> Result<Position, Fault> {
    let layout = session.layout();
    let floor = layout.floor();
    if layout.partition_size().is_some() {
        let rows = session.query(HEAD_FROM, &[&to_sql(floor)]).await?;
        if let Some(row) = rows.first() {
            let head = from_sql(row.try_get(0)?);
            layout.saw(head);
            return Ok(Position::new(head));
        }
    }
    let head = from_sql(session.query_one(HEAD, &[]).await?.try_get(0)?);
    refuse_shorter(session, floor, head).await?;
    Ok(Position::new(head))
}

/// Reads a page of the log.
pub(crate) async fn read_log(session: &Session, read: &LogRead) -> Result<LogPage, Fault> {
    let plan = Plan::of(&read.filter);
    if let Plan::Everything = plan {
        return everything(session, read).await;
    }
    let head = read_head(session).await?.get();
    match read.from {
        ReadFrom::After(position) => {
            let mut scan = Scan::new(session, read, plan, position.get(), head, true);
            let (cut, scanned) = scan.run().await?;
            let through = std::cmp::max(scanned, position.get());
            Ok(page(cut, Position::new(through)))
        }
        ReadFrom::Before(position) => {
            let last = std::cmp::min(position.get().saturating_sub(1), head);
            let mut scan = Scan::new(session, read, plan, 0, last, false);
            let (cut, scanned) = scan.run().await?;
            Ok(page(cut, Position::new(scanned)))
        }
    }
}

/// How the events of a filter are found.
enum Plan<'a> {
    /// All events are wanted.
    Everything,
    /// By their tags alone.
    Tagged(&'a [QueryItem]),
    /// By looking at each; events that the items find by tag are wanted too.
    Looking { types: Option<Vec<&'a str>>, tagged: Vec<&'a QueryItem> },
}

impl<'a> Plan<'a> {
    fn of(filter: &'a EventFilter) -> Self {
        let items = match &filter.query {
            EventQuery::AnyOf(items) if !items.iter().any(is_everything) => items,
            _ if filter.category.is_none() => return Self::Everything,
            _ => return Self::Looking { types: None, tagged: Vec::new() },
        };
        if items.iter().all(|item| !item.tags.is_empty()) {
            return Self::Tagged(items);
        }
        let untagged = items.iter().filter(|item| item.tags.is_empty());
        let types = untagged.flat_map(|item| item.types.iter().map(|name| &**name)).collect();
        let tagged = items.iter().filter(|item| !item.tags.is_empty()).collect();
        Self::Looking { types: Some(types), tagged }
    }
}

fn is_everything(item: &QueryItem) -> bool {
    item.types.is_empty() && item.tags.is_empty()
}

/// A page that is being filled.
struct Scan<'a> {
    session: &'a Session,
    plan: Plan<'a>,
    category: Option<&'a str>,
    limit: PageLimit,
    /// What is still to be looked at; exclusive and inclusive.
    low: u64,
    high: u64,
    forward: bool,
    rows: Vec<Row>,
}

impl<'a> Scan<'a> {
    fn new(
        session: &'a Session,
        read: &'a LogRead,
        plan: Plan<'a>,
        low: u64,
        high: u64,
        forward: bool,
    ) -> Self {
        let category = read.filter.category.as_deref();
        Self { session, plan, category, limit: read.limit, low, high, forward, rows: Vec::new() }
    }

    /// Looks until the page is full or nothing is left; gives how far it looked, too.
    async fn run(&mut self) -> Result<(Cut, u64), Fault> {
        let mut turns = 0;
        while self.low < self.high && self.missing() > 0 {
            match &self.plan {
                Plan::Tagged(items) => {
                    let items: Vec<&QueryItem> = items.iter().collect();
                    self.by_tag(&items).await?;
                }
                Plan::Looking { .. } | Plan::Everything => self.by_looking().await?,
            }
            turns += 1;
            if turns >= TURNS && !self.rows.is_empty() {
                break;
            }
        }
        let mut cut = cut(self.session, &self.rows, self.limit).await?;
        let scanned = match (self.forward, cut.left_over) {
            (_, true) => cut.events.last().map_or(0, |event| event.position.get()),
            (true, false) => self.low,
            // What lies before this is left.
            (false, false) => {
                if self.high == 0 {
                    0
                } else {
                    self.high + 1
                }
            }
        };
        cut.left_over |= self.low < self.high;
        Ok((cut, scanned))
    }

    /// How many rows the page still wants; one more than it can hold.
    fn missing(&self) -> i64 {
        rows(self.limit) - to_sql(self.rows.len() as u64)
    }

    /// Looks at the next window.
    async fn by_looking(&mut self) -> Result<(), Fault> {
        let (low, high) = match self.forward {
            true => (self.low, std::cmp::min(self.low.saturating_add(WINDOW), self.high)),
            false => (std::cmp::max(self.high.saturating_sub(WINDOW), self.low), self.high),
        };
        let mut positions = Vec::new();
        let mut types = &None;
        if let Plan::Looking { types: wanted, tagged: items } = &self.plan {
            types = wanted;
            let limit = self.missing();
            let range = Range { after: low, through: high, forward: self.forward, limit };
            for item in items {
                positions.extend(tagged(self.session, item, range).await?);
            }
        }
        let sql = if self.forward { LOOK_FORWARD } else { LOOK_BACKWARD };
        let limit = self.missing();
        let (from, to) = (to_sql(low), to_sql(high));
        let found = self
            .session
            .query(sql, &[&from, &to, &limit, &self.category, types, &positions])
            .await?;
        if self.session.layout().partition_size().is_some() {
            self.refuse_missing(low, high, limit, &found).await?;
        }
        self.rows.extend(found);
        match self.forward {
            true => self.low = high,
            false => self.high = low,
        }
        Ok(())
    }

    /// Refuses what was found in a window if a partition of it is gone.
    async fn refuse_missing(
        &self,
        low: u64,
        high: u64,
        limit: i64,
        found: &[Row],
    ) -> Result<(), Fault> {
        let found = found.iter().map(|row| Ok(from_sql(row.try_get(0)?)));
        let found = found.collect::<Result<Vec<u64>, Fault>>()?;
        // A page that is full has looked no further than its last event.
        let (after, through) = match (self.forward, found.last()) {
            (true, Some(&last)) if to_sql(found.len() as u64) >= limit => (low, last),
            (false, Some(&last)) if to_sql(found.len() as u64) >= limit => (last - 1, high),
            _ => (low, high),
        };
        refuse_missing(self.session, after, through, found.into_iter()).await
    }

    /// Finds the next events by the tags of items.
    async fn by_tag(&mut self, items: &[&QueryItem]) -> Result<(), Fault> {
        let limit = self.missing();
        let range = Range { after: self.low, through: self.high, forward: self.forward, limit };
        let mut positions = Vec::new();
        let mut more = false;
        for item in items {
            let found = tagged(self.session, item, range).await?;
            more |= to_sql(found.len() as u64) >= limit;
            positions.extend(found);
        }
        positions.sort_unstable();
        positions.dedup();
        if !self.forward {
            positions.reverse();
        }
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        more |= positions.len() > wanted;
        positions.truncate(wanted);
        // What lies behind the last position was not looked at, if an item may have more of it.
        match (self.forward, more, positions.last()) {
            (true, true, Some(last)) => self.low = from_sql(*last),
            (false, true, Some(last)) => self.high = from_sql(*last) - 1,
            (true, ..) => self.low = self.high,
            (false, ..) => self.high = self.low,
        }
        if !positions.is_empty() {
            let sql = if self.forward { AT_FORWARD } else { AT_BACKWARD };
            let found = self.session.query(sql, &[&positions, &self.category]).await?;
            refuse_lost(&found)?;
            self.rows.extend(found);
        }
        Ok(())
    }
}

/// Reads without a filter.
async fn everything(session: &Session, read: &LogRead) -> Result<LogPage, Fault> {
    let (sql, start) = match read.from {
        ReadFrom::After(position) => (FORWARD, position),
        ReadFrom::Before(position) => (BACKWARD, position),
    };
    let floor = session.layout().floor();
    let found = session.query(sql, &[&to_sql(start.get()), &rows(read.limit)]).await?;
    let cut = cut(session, &found, read.limit).await?;
    if session.layout().partition_size().is_some() {
        let (order, first, last) = match read.from {
            ReadFrom::After(position) => (Order::Forward, position.get().checked_add(1), None),
            ReadFrom::Before(_) => {
                let to_the_end = !cut.left_over && !cut.events.is_empty();
                (Order::Backward, None, to_the_end.then_some(1))
            }
        };
        refuse_gap("the log", order, positions(&cut.events), first, last)?;
        if let (Order::Forward, false) = (order, cut.left_over) {
            let last = cut.events.last().map_or(start, |event| event.position);
            refuse_shorter(session, floor, last.get()).await?;
        }
    }
    let last = cut.events.last().map_or(start, |event| event.position);
    let through = match read.from {
        ReadFrom::Before(_) if !cut.left_over => Position::ZERO,
        _ => last,
    };
    Ok(page(cut, through))
}

fn page(cut: Cut, through: Position) -> LogPage {
    LogPage { events: cut.events, through, end: !cut.left_over }
}

/// After so many windows, a page that holds something is given back, so that its reader can note
/// how far it came.
const TURNS: usize = 16;

/// Not max(): for that, the server reads the whole index if the table was empty when its statistics were
/// taken.
pub(crate) const HEAD: &str = "SELECT coalesce((SELECT position FROM {schema}.events \
     ORDER BY position DESC LIMIT 1), 0)";

/// The same where the log is known to have reached a position: older partitions are left alone.
pub(crate) const HEAD_FROM: &str =
    "SELECT position FROM {schema}.events WHERE position >= $1 ORDER BY position DESC LIMIT 1";

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", event_columns!(), " FROM {schema}.events WHERE ", $rest)
    };
}

const FORWARD: &str = select!("position > $1 ORDER BY position LIMIT $2");
const BACKWARD: &str = select!("position < $1 ORDER BY position DESC LIMIT $2");

macro_rules! look {
    ($order:literal) => {
        concat!(
            select!(
                "position > $1 AND position <= $2 \
                 AND ($4::text IS NULL OR split_part(stream, '-', 1) = $4) \
                 AND ($5::text[] IS NULL OR event_type = ANY($5) OR position = ANY($6::bigint[])) \
                 ORDER BY position "
            ),
            $order,
            " LIMIT $3"
        )
    };
}

const LOOK_FORWARD: &str = look!("ASC");
const LOOK_BACKWARD: &str = look!("DESC");

/// One by one: a list would be looked for in each partition, and all events would be read if there were none
/// when the server's statistics were taken. An event that is not there has a row, too, without its position.
macro_rules! at {
    ($order:literal) => {
        concat!(
            "SELECT e.*, w.wanted FROM unnest($1::bigint[]) AS w(wanted) LEFT JOIN LATERAL (",
            select!("position = w.wanted OFFSET 0"),
            ") AS e ON true WHERE e.position IS NULL OR $2::text IS NULL \
             OR split_part(e.stream, '-', 1) = $2 ORDER BY w.wanted ",
            $order
        )
    };
}

const AT_FORWARD: &str = at!("ASC");
const AT_BACKWARD: &str = at!("DESC");
