//! UmaDB: its server as a process of its own, with its default options, and its client.

use std::{
    net::TcpListener,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt as _;
use tokio::{
    process::{Child, Command},
    sync::Mutex,
    task::JoinHandle,
};
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{
    DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreAsync as _, DcbQuery, DcbQueryItem,
};
use uuid::Uuid;

use super::Setup;
use crate::{
    contender::{Account, Contender, Fault, Projecting, Purpose},
    event::{AccountEvent, Balance},
    sightings,
};

/// How many clients, each with a connection, the callers share.
const CLIENTS: usize = 4;

struct UmaDb {
    clients: Vec<AsyncUmaDbClient>,
    turn: AtomicUsize,
    server: Mutex<Child>,
}

/// Starts a server on a free port of the loopback interface.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let program = std::env::var("LUCENT_UMADB").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin/umadb"),
        Into::into,
    );
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let server = Command::new(&program)
        .args(["--listen", &format!("127.0.0.1:{port}"), "--db-path"])
        .arg(&setup.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            Fault::broken(format!(
                "{} cannot be started: {error}; install it by `cargo install umadb`, and name it in \
                 LUCENT_UMADB",
                program.display()
            ))
        })?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(connect(port).await?);
    }
    Ok(Box::new(UmaDb { clients, turn: AtomicUsize::new(0), server: Mutex::new(server) }))
}

/// Connects, once the server has started.
async fn connect(port: u16) -> Result<AsyncUmaDbClient, Fault> {
    let client = UmaDbClient::new(format!("http://127.0.0.1:{port}"));
    let mut tries = 0;
    loop {
        match client.connect_async().await {
            Ok(client) => return Ok(client),
            Err(error) if tries >= 20 => return Err(error.into()),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl UmaDb {
    fn client(&self) -> &AsyncUmaDbClient {
        &self.clients[self.turn.fetch_add(1, Ordering::Relaxed) % self.clients.len()]
    }

    /// The state of an account, and the position that it was read at.
    async fn read(&self, account: &Account) -> Result<(Balance, Option<u64>), Fault> {
        let mut events =
            self.client().read(Some(boundary(&account.text)), None, false, None).await?;
        let mut state = Balance::default();
        while let Some(event) = events.next().await {
            state.apply(&serde_json::from_slice(&event?.event.data)?);
        }
        Ok((state, events.head().await?))
    }

    async fn append(
        &self,
        account: &str,
        event: &AccountEvent,
        after: Option<u64>,
    ) -> Result<(), Fault> {
        let condition = DcbAppendCondition::new(boundary(account)).after(after);
        match self.client().append(vec![encoded(account, event)?], Some(condition), None).await {
            Ok(_) => Ok(()),
            Err(DcbError::IntegrityError(_)) => Err(Fault::Conflict),
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl Contender for UmaDb {
    async fn open_account(&self) -> Result<Account, Fault> {
        let account = Account::fresh();
        self.append(&account.text, &AccountEvent::opened(), None).await?;
        Ok(account)
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        let (state, head) = self.read(account).await?;
        let event = AccountEvent::deposited(state.balance, ticket);
        let event = event.ok_or_else(|| Fault::broken("too much"))?;
        self.append(&account.text, &event, head).await
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        let version = i64::try_from(events)?;
        let filled: Vec<_> = (0..accounts).map(|_| Account::of(Uuid::now_v7(), version)).collect();
        for number in 0..events {
            for group in filled.chunks(1_000) {
                let event = match number {
                    0 => AccountEvent::opened(),
                    _ => AccountEvent::deposited(0, 0).ok_or_else(|| Fault::broken("too much"))?,
                };
                let events: Result<Vec<_>, _> =
                    group.iter().map(|account| encoded(&account.text, &event)).collect();
                self.client().append(events?, None, None).await?;
            }
        }
        Ok(filled)
    }

    async fn load(&self, account: &Account) -> Result<u64, Fault> {
        Ok(self.read(account).await?.0.deposits)
    }

    async fn append_tagged(&self) -> Result<(), Fault> {
        let account = Uuid::now_v7().to_string();
        let event = AccountEvent::deposited(0, 0).ok_or_else(|| Fault::broken("too much"))?;
        self.append(&account, &event, None).await
    }

    async fn project(&self, purpose: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        if purpose == Purpose::CatchUp {
            return Err(Fault::Absent("no read models"));
        }
        let head = self.client().head().await?;
        let mut events = self.client().subscribe(None, head).await?;
        let task = tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                if let Ok(event) = serde_json::from_slice::<AccountEvent>(&event.event.data) {
                    sightings::saw(event.ticket());
                }
            }
        });
        Ok(Box::new(Subscribed(task)))
    }

    async fn close(&self) {
        if let Err(error) = self.server.lock().await.kill().await {
            eprintln!("umadb: the server cannot be stopped: {error}");
        }
    }
}

struct Subscribed(JoinHandle<()>);

#[async_trait]
impl Projecting for Subscribed {
    async fn stop(self: Box<Self>) {
        self.0.abort();
        let _cancelled = self.0.await;
    }
}

fn boundary(account: &str) -> DcbQuery {
    DcbQuery::new().item(DcbQueryItem::new().tags([account]))
}

fn encoded(account: &str, event: &AccountEvent) -> Result<DcbEvent, Fault> {
    let data = serde_json::to_vec(event)?;
    let event = DcbEvent::default().event_type(event.name()).tags([account]).data(data);
    Ok(event.uuid(Uuid::new_v4()))
}
