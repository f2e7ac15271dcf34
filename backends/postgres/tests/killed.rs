//! Processes that share a divided projection and a divided event handler, and one that is killed.
//!
//! This binary starts itself again; [`child`] is what runs in the other processes.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use lucent_core::{
    prelude::*,
    store::{
        Document, DocumentChange, LeaseStore as _, ProjectionCommit, ProjectionId,
        ReadModelStore as _,
    },
};
use lucent_postgres::PostgresStore;
use tokio::sync::{Mutex, mpsc};

use crate::{
    server::{TestSchema, client, url},
    sql::{AccountEvent, AccountId, Deposit, registered},
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
struct Folded {
    versions: Vec<u64>,
}

#[projector(name = "folded", version = 1, partitions = 4)]
fn fold(view: &mut Folded, _: &AccountEvent, at: &RecordedEvent) {
    view.versions.push(at.version.get());
}

/// Says what was handled to whoever has started the process.
#[event_handler(name = "told", partitions = 4)]
async fn tell(_: &AccountEvent, at: &RecordedEvent) {
    println!("\ntold {} {}", at.stream.key(), at.version);
}

mod shared {
    lucent_core::registry! { functions: [super::fold, super::tell] }
}

const SCHEMA: &str = "LUCENT_POSTGRES_TEST_NODE_SCHEMA";

/// How long a dead process holds its partitions.
const LEASE: Duration = Duration::from_secs(1);

/// The processes of two tests at once would only take each other's time.
static ONE_TEST: Mutex<()> = Mutex::const_new(());

/// For how long something is waited for that is sure to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// There is one of them in each partition.
const ACCOUNTS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// The other process; an ordinary run of the tests has no schema for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(schema) = env::var(SCHEMA) else { return };
    let store = PostgresStore::builder(url()).schema(schema).readers(1).connect().await.unwrap();
    let app = App::new(shared::registry()).store(store).lease_duration(LEASE);
    let _app = app.start().await.unwrap();
    // It lives until it is killed, or nobody is there any more who could do that.
    let orphaned = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    drop(orphaned.await);
}

/// A process that works on the projection and on the handler.
struct Node(Child);

impl Node {
    fn start(schema: &TestSchema, told: &mpsc::UnboundedSender<(String, u64)>) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["killed::child", "--exact", "--nocapture"])
            .env(SCHEMA, &schema.name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (output, told) = (child.stdout.take().unwrap(), told.clone());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let words: Vec<_> = line.split(' ').collect();
                if let ["told", account, version] = words[..] {
                    // A test that has ended does not listen any more.
                    drop(told.send((account.to_owned(), version.parse().unwrap())));
                }
            }
        });
        Self(child)
    }

    /// `kill -9`: nothing in it gets to say good-bye.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // One that was killed before cannot be killed again.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits until this many processes hold partitions of both, the same number each.
async fn until_shared_by(store: &PostgresStore, processes: usize) {
    for prefix in ["projection/folded/1/", "handler/told/"] {
        loop {
            let mut shares = BTreeMap::<_, usize>::new();
            for held in store.held_leases(prefix).await.unwrap() {
                let is_part = held.fence.lease.contains("/partition/");
                *shares.entry(held.holder).or_default() += usize::from(is_part);
            }
            shares.retain(|_, share| *share > 0);
            if shares.len() == processes && shares.values().all(|share| share * processes == 4) {
                break;
            }
        }
    }
}

/// What each account's document says.
async fn folded(store: &PostgresStore) -> BTreeMap<String, Vec<u64>> {
    let projection = ProjectionId::new("folded", 1);
    let documents = store.document_page(&projection, None, 100).await.unwrap();
    let view = |body| serde_json::from_slice::<Folded>(body).unwrap();
    documents.iter().map(|one| (one.key.to_string(), view(&one.body).versions)).collect()
}

async fn within<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, waiting).await;
    outcome.unwrap_or_else(|_| panic!("{what} did not come within {PATIENCE:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_takes_over_from_one_that_is_killed_and_folds_each_event_once() {
    let _alone = ONE_TEST.lock().await;
    let schema = TestSchema::new();
    let store = schema.open().await;
    let writer = App::new(registered::registry()).store(store.clone()).start().await.unwrap();
    let deposit = async |rounds: std::ops::Range<u64>| {
        for _ in rounds {
            for name in ACCOUNTS {
                let account = AccountId(name.to_owned());
                writer.execute(Deposit { account, amounts: vec![1, 2] }).await.unwrap();
            }
        }
    };
    let (told, mut hearing) = mpsc::unbounded_channel();
    let mut doomed = Node::start(&schema, &told);
    let _survivor = Node::start(&schema, &told);
    within("the sharing", until_shared_by(&store, 2)).await;
    deposit(0..20).await;
    doomed.kill();
    deposit(20..40).await;
    within("the taking over", until_shared_by(&store, 1)).await;
    deposit(40..50).await;

    let all: Vec<u64> = (1..=100).collect();
    let expected: BTreeMap<_, _> =
        ACCOUNTS.iter().map(|name| ((*name).to_owned(), all.clone())).collect();
    let count = |found: &BTreeMap<String, Vec<u64>>| found.values().map(Vec::len).sum::<usize>();
    let found = within("the last event", async {
        loop {
            let found = folded(&store).await;
            if count(&found) >= count(&expected) {
                return found;
            }
        }
    });
    assert_eq!(found.await, expected);
    // The handler has handled each event, and those since its last checkpoint perhaps again.
    let mut missing: BTreeSet<_> = ACCOUNTS
        .iter()
        .flat_map(|name| all.iter().map(|version| ((*name).to_owned(), *version)))
        .collect();
    let handled = async {
        while !missing.is_empty() {
            missing.remove(&hearing.recv().await.expect("the test holds a sender"));
        }
    };
    within("the last event handled", handled).await;
    assert_eq!(folded(&store).await, expected);
}

/// Which processes work on partitions of the projection.
async fn workers(store: &PostgresStore) -> BTreeSet<String> {
    let held = store.held_leases("projection/folded/1/partition/").await.unwrap();
    held.iter().map(|held| held.holder.to_string()).collect()
}

/// Waits until somebody waits for a lock on a table.
async fn until_blocked(schema: &TestSchema, table: &str) {
    let client = client().await;
    let table = format!("{}.{table}", schema.name);
    let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass";
    while client.query_one(sql, &[&table]).await.unwrap().get::<_, i64>(0) == 0 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_goes_on_with_a_rebuild_of_one_that_is_killed_in_the_middle() {
    let _alone = ONE_TEST.lock().await;
    let schema = TestSchema::new();
    let store = schema.open().await;
    let writer = App::new(registered::registry()).store(store.clone()).start().await.unwrap();
    let deposit = async || {
        for name in ACCOUNTS {
            let account = AccountId(name.to_owned());
            writer.execute(Deposit { account, amounts: vec![1; 20] }).await.unwrap();
        }
    };
    let expected = |events: u64| {
        let all: Vec<u64> = (1..=events).collect();
        let account = |name: &&str| ((*name).to_owned(), all.clone());
        ACCOUNTS.iter().map(account).collect::<BTreeMap<_, _>>()
    };
    let (told, _hearing) = mpsc::unbounded_channel();
    let mut doomed = Node::start(&schema, &told);
    deposit().await;
    within("the last event", async { while folded(&store).await != expected(20) {} }).await;
    // No event has made this document.
    let whole = ProjectionId::new("folded", 1);
    let wrong = Document { key: "wrong".into(), body: r#"{"versions":[]}"#.into() };
    let step = ProjectionCommit::new(whole.clone(), Position::ZERO, Position::ZERO);
    let changes = vec![DocumentChange::Put(wrong)];
    store.commit_projection(ProjectionCommit { changes, ..step }).await.unwrap();
    // Nobody gets further than to the first document, and this is what `rebuild` leaves in the store.
    let locker = client().await;
    let lock = format!("BEGIN; LOCK TABLE {}.documents IN SHARE MODE", schema.name);
    locker.batch_execute(&lock).await.unwrap();
    let begun = ProjectionCommit::new(whole.rebuild(), Position::ZERO, Position::ZERO);
    store.commit_projection(begun).await.unwrap();
    within("the rebuild", until_blocked(&schema, "documents")).await;
    let dead = workers(&store).await;
    doomed.kill();
    let _survivor = Node::start(&schema, &told);
    within("the taking over", async {
        while workers(&store).await.is_empty() || !workers(&store).await.is_disjoint(&dead) {}
    })
    .await;
    // What the dead one had sent may still be done.
    locker.batch_execute("COMMIT").await.unwrap();
    within("the end of the rebuild", async {
        while folded(&store).await != expected(20)
            || !store.stored_versions(&whole.rebuild().name).await.unwrap().is_empty()
        {}
    })
    .await;
    deposit().await;
    within("the last event", async { while folded(&store).await != expected(40) {} }).await;
}
