//! Opens the file: tells a store from anything else, creates the schema, sets the connection up.
//!
//! Invariant: a file that is not a store of a known schema version is never written to.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lucent_core::store::StoreError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::fault::{Fault, read_only};

/// How the file is opened.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    pub(crate) relaxed: bool,
    pub(crate) busy_timeout: Duration,
    pub(crate) max_bytes: Option<u64>,
}

/// What the first 100 bytes of the file say.
enum Header {
    /// There is no file, or an empty one.
    Empty,
    /// A database without a mark: an empty one, or a foreign one.
    Unmarked,
    /// A store of this schema version.
    Store(u32),
}

/// Marks the file as a store: "Lcnt".
pub(crate) const APPLICATION_ID: u32 = 0x4c63_6e74;

/// The newest schema that this code reads and the one that it writes.
pub(crate) const SCHEMA_VERSION: u32 = 3;

/// The steps from each version to the next.
const STEPS: [&str; 3] =
    [include_str!("schema.sql"), include_str!("schema_002.sql"), include_str!("schema_003.sql")];

/// Checks the file, creates the schema or brings it up to date, and gives the writer's connection.
pub(crate) fn open_store(options: &Options) -> Result<Connection, Fault> {
    match read_header(&options.path)? {
        Header::Store(found) if found > SCHEMA_VERSION => Err(newer_schema(&options.path, found)),
        Header::Store(_) | Header::Empty => open_or_create(options),
        Header::Unmarked => {
            let reader = open_reader(options)?;
            if count_tables(&reader)? > 0 && mark(&reader)? != APPLICATION_ID {
                return Err(not_a_store(&options.path, "it is another program's database"));
            }
            drop(reader);
            open_or_create(options)
        }
    }
}

/// A further connection that writes: the writer's after a failure, or the checkpointer's.
pub(crate) fn open_writer(options: &Options) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&options.path, flags)?;
    let deadline = Instant::now() + options.busy_timeout;
    retry_busy(deadline, || configure_writer(&conn, options))?;
    Ok(conn)
}

/// A connection that only reads.
pub(crate) fn open_reader(options: &Options) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&options.path, flags)?;
    conn.busy_timeout(options.busy_timeout)?;
    keep_plans(&conn)?;
    conn.set_prepared_statement_cache_capacity(64);
    // Settings read the file too, and another process may be creating it.
    let deadline = Instant::now() + options.busy_timeout;
    retry_busy(deadline, || {
        Ok(conn.execute_batch("PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;")?)
    })?;
    Ok(conn)
}

/// The schema version that the connection sees now.
pub(crate) fn check_schema(conn: &Connection, path: &Path) -> Result<(), Fault> {
    let found = user_version(conn)?;
    if found > SCHEMA_VERSION {
        return Err(newer_schema(path, found));
    }
    Ok(())
}

fn open_or_create(options: &Options) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(&options.path, flags)?;
    if conn.is_readonly(rusqlite::MAIN_DB)? {
        return Err(Fault::Store(read_only(&options.path)));
    }
    let deadline = Instant::now() + options.busy_timeout;
    retry_busy(deadline, || bring_up_to_date(&mut conn, &options.path))?;
    // The schema is created before the switch to WAL, so that the file's own header carries the
    // mark from the first commit on.
    retry_busy(deadline, || {
        let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode == "wal" {
            return Ok(());
        }
        Err(open_failed(io::Error::other(format!(
            "{} cannot have a write-ahead log (its journal mode is `{mode}`): put it on a local disk",
            options.path.display()
        ))))
    })?;
    retry_busy(deadline, || {
        configure_writer(&conn, options)?;
        check_schema(&conn, &options.path)
    })?;
    Ok(conn)
}

/// Creates the schema, or takes the steps that are missing, in one transaction.
fn bring_up_to_date(conn: &mut Connection, path: &Path) -> Result<(), Fault> {
    if mark(conn)? == APPLICATION_ID && user_version(conn)? >= SCHEMA_VERSION {
        return check_schema(conn, path);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have taken the steps while this one waited for the lock.
    let is_store = mark(&tx)? == APPLICATION_ID;
    let done = if is_store { user_version(&tx)? } else { 0 };
    if done >= SCHEMA_VERSION {
        return check_schema(&tx, path);
    }
    if !is_store && (count_tables(&tx)? > 0 || mark(&tx)? != 0) {
        return Err(not_a_store(path, "it is another program's database"));
    }
    for (number, step) in (1..).zip(STEPS) {
        if number > done {
            tx.execute_batch(step)?;
        }
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    tx.commit()?;
    Ok(())
}

fn configure_writer(conn: &Connection, options: &Options) -> Result<(), Fault> {
    // The writer waits for locks itself, in shorter steps than SQLite does.
    conn.busy_timeout(Duration::ZERO)?;
    keep_plans(conn)?;
    conn.set_prepared_statement_cache_capacity(64);
    let synchronous = if options.relaxed { "NORMAL" } else { "FULL" };
    conn.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA fullfsync = ON; \
         PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;"
    ))?;
    if let Some(bytes) = options.max_bytes {
        let page_size: u32 = conn.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = (bytes / u64::from(page_size.max(1))).max(1);
        conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(())
}

/// Without this, SQLite compiles cached statements anew whenever other values are bound to them.
fn keep_plans(conn: &Connection) -> Result<(), Fault> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn read_header(path: &Path) -> Result<Header, Fault> {
    let location = path.display();
    if path.is_dir() {
        return Err(not_a_store(path, "it is a folder"));
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            return match folder {
                Some(folder) if !folder.is_dir() => Err(Fault::Store(StoreError::Inaccessible {
                    location: location.to_string(),
                    reason: format!("its folder {} does not exist", folder.display()),
                    remedy: "create it first".to_owned(),
                })),
                _ => Ok(Header::Empty),
            };
        }
        Err(error) => {
            return Err(Fault::Store(StoreError::Inaccessible {
                location: location.to_string(),
                reason: error.to_string(),
                remedy: "give this program the right to read and write the file".to_owned(),
            }));
        }
    };
    let mut header = [0; 100];
    let mut length = 0;
    while length < header.len() {
        match file.read(&mut header[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) => return Err(open_failed(error)),
        }
    }
    if length == 0 {
        return Ok(Header::Empty);
    }
    if length < header.len() || !header.starts_with(b"SQLite format 3\0") {
        return Err(not_a_store(path, "it is not an SQLite database"));
    }
    let number = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    match number(68) {
        APPLICATION_ID => Ok(Header::Store(number(60))),
        0 => Ok(Header::Unmarked),
        other => Err(not_a_store(
            path,
            &format!("it is another program's database (its application id is {other:#x})"),
        )),
    }
}

fn retry_busy<T>(
    deadline: Instant,
    mut attempt: impl FnMut() -> Result<T, Fault>,
) -> Result<T, Fault> {
    loop {
        match attempt() {
            Err(fault) if fault.is_busy() && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            outcome => return outcome,
        }
    }
}

fn mark(conn: &Connection) -> Result<u32, Fault> {
    // SQLite keeps the mark as a signed number; the bits are what counts.
    let found: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    Ok(u32::from_ne_bytes(found.to_ne_bytes()))
}

fn user_version(conn: &Connection) -> Result<u32, Fault> {
    let found: i32 = conn.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?;
    Ok(u32::from_ne_bytes(found.to_ne_bytes()))
}

fn count_tables(conn: &Connection) -> Result<i64, Fault> {
    Ok(conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?)
}

fn newer_schema(path: &Path, found: u32) -> Fault {
    Fault::Store(StoreError::NewerSchema {
        location: path.display().to_string(),
        found,
        supported: SCHEMA_VERSION,
    })
}

fn not_a_store(path: &Path, reason: &str) -> Fault {
    Fault::Store(StoreError::NotAStore {
        location: path.display().to_string(),
        reason: reason.to_owned(),
    })
}

fn open_failed(error: io::Error) -> Fault {
    Fault::Store(StoreError::backend("open the store", error, false))
}
