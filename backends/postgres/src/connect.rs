//! Connections, and what every one of them is told at its start.
//!
//! Invariant: a session reads committed data, commits durably unless the store is relaxed, and
//! plans its statements once.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::poll_fn;
use lucent_core::store::StoreError;
use tokio::{sync::mpsc, task::AbortHandle};
use tokio_postgres::{
    AsyncMessage, Client, Config, Row, SimpleQueryMessage, Socket, Statement,
    tls::MakeTlsConnect,
    types::{ToSql, Type},
};

#[cfg(not(feature = "tls"))]
use crate::address::Trust;
use crate::{
    address::Address,
    builder::Options,
    fault::Fault,
    schema::{Layout, Schema},
    sql::Projectors,
    writer::Doubts,
};
#[cfg(not(feature = "tls"))]
use tokio_postgres::config::SslMode;

/// A server, and which ledger on it.
pub(crate) struct Server {
    config: Config,
    #[cfg(feature = "tls")]
    encryption: tokio_postgres_rustls::MakeRustlsConnect,
    pub(crate) schema: Schema,
    pub(crate) layout: Arc<Layout>,
    pub(crate) options: Options,
    pub(crate) projectors: Projectors,
    pub(crate) doubts: Doubts,
    /// The server, database and schema for messages, without the password.
    pub(crate) location: String,
}

impl Server {
    pub(crate) fn new(
        url: &str,
        schema: &str,
        options: Options,
        projectors: Projectors,
    ) -> Result<Self, StoreError> {
        let Address { mut config, trust } = Address::parse(url)?;
        let schema = Schema::new(schema)?;
        projectors.check(&schema)?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(options.patience);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(options.answer_timeout);
        }
        // The system counts this one in seconds.
        config.keepalives_idle(std::cmp::max(options.answer_timeout, Duration::from_secs(1)));
        if config.get_application_name().is_none() {
            config.application_name("lucent");
        }
        let location = location(&config, schema.name());
        #[cfg(not(feature = "tls"))]
        refuse_encryption(&config, &trust, &location)?;
        Ok(Self {
            config,
            #[cfg(feature = "tls")]
            encryption: crate::tls::encryption(&trust)?,
            schema,
            layout: Arc::default(),
            options,
            projectors,
            doubts: Doubts::default(),
            location,
        })
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Session, Fault> {
        self.in_time(self.open(None)).await
    }

    /// Opens a connection whose notifications are sent to a channel.
    pub(crate) async fn connect_listening(
        &self,
        heard: mpsc::UnboundedSender<String>,
    ) -> Result<Session, Fault> {
        self.in_time(self.open(Some(heard))).await
    }

    #[cfg(feature = "tls")]
    async fn open(&self, heard: Option<mpsc::UnboundedSender<String>>) -> Result<Session, Fault> {
        self.open_by(self.encryption.clone(), heard).await
    }

    #[cfg(not(feature = "tls"))]
    async fn open(&self, heard: Option<mpsc::UnboundedSender<String>>) -> Result<Session, Fault> {
        self.open_by(tokio_postgres::NoTls, heard).await
    }

    async fn open_by<T>(
        &self,
        encryption: T,
        heard: Option<mpsc::UnboundedSender<String>>,
    ) -> Result<Session, Fault>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let connected = self.config.connect(encryption).await;
        let (client, mut connection) =
            connected.map_err(|error| Fault::connecting(error, &self.location))?;
        let task = tokio::spawn(async move {
            while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
                match (message, &heard) {
                    (Ok(AsyncMessage::Notification(note)), Some(heard))
                        if heard.send(note.payload().to_owned()).is_err() =>
                    {
                        break;
                    }
                    (Ok(_), _) => {}
                    (Err(error), _) => {
                        tracing::debug!(%error, "a connection to PostgreSQL ended");
                        break;
                    }
                }
            }
        });
        self.begin(client, task.abort_handle()).await
    }

    /// The server may accept a connection and never say a word.
    async fn in_time(
        &self,
        opening: impl Future<Output = Result<Session, Fault>>,
    ) -> Result<Session, Fault> {
        let limit = self.options.longest_answer();
        tokio::time::timeout(limit, opening).await.unwrap_or(Err(Fault::Silent(limit)))
    }

    async fn begin(&self, client: Client, task: AbortHandle) -> Result<Session, Fault> {
        let lock_timeout = self.options.patience.as_millis().clamp(1, 1_000_000_000);
        let durability = match self.options.relaxed {
            true => "SET synchronous_commit = off",
            false => DURABLE,
        };
        client
            .batch_execute(&format!("{SETTINGS}; SET lock_timeout = {lock_timeout}; {durability}"))
            .await?;
        Ok(Session {
            client,
            task,
            longest_answer: self.options.longest_answer(),
            statements: Mutex::default(),
            schema: self.schema.clone(),
            layout: Arc::clone(&self.layout),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.location).finish()
    }
}

/// A connection, and the statements that it knows.
pub(crate) struct Session {
    client: Client,
    /// What moves the bytes.
    task: AbortHandle,
    longest_answer: Duration,
    statements: Mutex<HashMap<&'static str, Statement>>,
    schema: Schema,
    layout: Arc<Layout>,
}

pub(crate) type Values<'a> = [&'a (dyn ToSql + Sync)];

impl Session {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// How the ledger's events are laid out.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs a statement; requests of one session are sent without waiting for each other.
    pub(crate) async fn query(
        &self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let statement = self.statement(sql).await?;
        self.answer(self.client.query(&statement, values)).await
    }

    /// Runs a statement that may take as long as it wants.
    pub(crate) async fn query_at_length(
        &self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let statement = self.statement(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    /// Runs a statement that gives one row.
    pub(crate) async fn query_one(
        &self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<Row, Fault> {
        let statement = self.statement(sql).await?;
        self.answer(self.client.query_one(&statement, values)).await
    }

    /// Runs a statement that gives no row.
    pub(crate) async fn execute(
        &self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<u64, Fault> {
        let statement = self.statement(sql).await?;
        self.answer(self.client.execute(&statement, values)).await
    }

    /// Makes sure that the server knows what was committed: a replica may not have been sent it yet.
    pub(crate) async fn refuse_replica(&self) -> Result<(), Fault> {
        match self.query_one(ON_REPLICA, &[]).await?.try_get(0)? {
            false => Ok(()),
            true => Err(Fault::Store(StoreError::Busy {
                reason: "a replica answered, and only the primary knows".to_owned(),
            })),
        }
    }

    /// Runs SQL without preparing it.
    pub(crate) async fn simple_query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Fault> {
        self.answer(self.client.simple_query(sql)).await
    }

    /// Begins to listen for what is announced about the ledger.
    pub(crate) async fn listen(&self) -> Result<(), Fault> {
        // Announcements are commits, too, and one that waits for the disk would make an append wait
        // behind it. What they announce is on the disk already.
        let listen = format!("SET synchronous_commit = off; LISTEN {}", self.schema.channel());
        self.answer(self.client.batch_execute(&listen)).await
    }

    /// Makes statements ready, all in one go.
    pub(crate) async fn statements(&self, all: &[&'static str]) -> Result<(), Fault> {
        futures::future::try_join_all(all.iter().map(|sql| self.statement(sql))).await.map(drop)
    }

    /// The prepared statement; `{schema}` in its text stands for the ledger's schema.
    pub(crate) async fn statement(&self, sql: &'static str) -> Result<Statement, Fault> {
        if let Some(known) = self.lock().get(sql) {
            return Ok(known.clone());
        }
        let statement = self.prepare(&self.schema.fill(sql)).await?;
        self.lock().insert(sql, statement.clone());
        Ok(statement)
    }

    /// The prepared statement of somebody else's text.
    pub(crate) async fn statement_as_it_is(&self, sql: &'static str) -> Result<Statement, Fault> {
        if let Some(known) = self.lock().get(sql) {
            return Ok(known.clone());
        }
        let statement = self.prepare(sql).await?;
        self.lock().insert(sql, statement.clone());
        Ok(statement)
    }

    async fn prepare(&self, sql: &str) -> Result<Statement, Fault> {
        self.answer(self.client.prepare_typed(sql, NO_TYPES)).await
    }

    /// Waits for an answer. If none comes, the connection counts as lost and is closed, so that
    /// whatever else waits on it hears of that.
    pub(crate) async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(self.longest_answer, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                self.task.abort();
                Err(Fault::Silent(self.longest_answer))
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// What is not built in cannot be done, and must not be left out in silence.
#[cfg(not(feature = "tls"))]
fn refuse_encryption(config: &Config, trust: &Trust, location: &str) -> Result<(), StoreError> {
    let required = config.get_ssl_mode() == SslMode::Require;
    if !required && trust.authorities.is_none() {
        return Ok(());
    }
    Err(StoreError::Inaccessible {
        location: location.to_owned(),
        reason: "the connection string asks for TLS, which this program was built without"
            .to_owned(),
        remedy: "build `lucent-postgres` with the feature `tls`, or ask for `sslmode=disable`"
            .to_owned(),
    })
}

fn location(config: &Config, schema: &str) -> String {
    use tokio_postgres::config::Host;
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let ports = config.get_ports();
        let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    let database = config.get_dbname().or_else(|| config.get_user()).unwrap_or("postgres");
    format!("schema `{schema}` of postgres://{hosts}/{database}")
}

const ON_REPLICA: &str = "SELECT pg_is_in_recovery()";

const NO_TYPES: &[Type] = &[];

/// Plans are made once and by index: a plan that knows the values of a batch costs more to make
/// than to run, and a table without statistics must not be scanned. A writer that stops in the
/// middle of a transaction is thrown out, since it holds the ledger's lock.
const SETTINGS: &str = "\
    SET default_transaction_isolation = 'read committed'; \
    SET plan_cache_mode = force_generic_plan; \
    SET jit = off; \
    SET search_path = pg_catalog; \
    SET enable_seqscan = off; \
    SET enable_bitmapscan = off; \
    SET standard_conforming_strings = on; \
    SET client_min_messages = warning; \
    SET idle_in_transaction_session_timeout = '30s'";

/// Whatever the server's default is, it must be at least `on`.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')";
