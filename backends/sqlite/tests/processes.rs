//! Several processes on one file, and processes that are killed while they write.
//!
//! This binary starts itself again; [`child`] is what runs in the other process.

use std::{
    collections::{HashMap, HashSet},
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use futures::future::join_all;
use lucent_core::{
    EventId,
    store::{Append, AppendError, EventFilter, EventStore as _, ExpectedVersion, StoreError},
};
use lucent_sqlite::SqliteStore;

use crate::failures::fill;
use crate::support::{Folder, event, log, one, positions, stream};

const ROLE: &str = "LUCENT_SQLITE_TEST_ROLE";
const FILE: &str = "LUCENT_SQLITE_TEST_FILE";

/// The other process; an ordinary run of the tests has no role for it.
#[tokio::test]
async fn child() {
    let Ok(role) = env::var(ROLE) else { return };
    let path = env::var(FILE).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    match role.as_str() {
        "write" => write_forever(&store).await,
        "compete" => compete(&store).await,
        "limited" => write_into_a_limit(&store).await,
        "fill" => fill_the_disk(store, &path).await,
        other => panic!("unknown role {other}"),
    }
}

fn start(role: &str, path: &Path) -> Child {
    command(env::current_exe().unwrap().as_os_str(), role, path).args(ARGUMENTS).spawn().unwrap()
}

fn command(program: &std::ffi::OsStr, role: &str, path: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env(ROLE, role)
        .env(FILE, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

const ARGUMENTS: [&str; 3] = ["processes::child", "--exact", "--nocapture"];

fn said(child: &mut Child, word: &'static str) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(move |line| {
        let (_, rest) = line.split_once(word)?;
        Some(rest.trim().to_owned())
    })
}

/// Appends from several tasks and says which events were acknowledged.
async fn write_forever(store: &SqliteStore) {
    join_all((0..6).map(|task| async move {
        for number in 0_u64.. {
            let new = [event("Written", &["t"]), event("Written", &[])];
            let ids = new.each_ref().map(|event| event.id);
            let name = format!("s-{task}-{}", number % 3);
            let append = Append {
                command: Some(lucent_core::CommandId::new()),
                ..Append::one(stream(&name), ExpectedVersion::Any, new.into())
            };
            store.append(append).await.unwrap();
            println!("\nacknowledged {} {}", ids[0], ids[1]);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_that_it_acknowledged() {
    let folder = Folder::new();
    folder.open().await.close().await;
    let mut acknowledged = HashSet::new();
    for round in 0..50 {
        let mut writer = start("write", &folder.path());
        let mut words = said(&mut writer, "acknowledged ");
        for line in words.by_ref().take(1 + (round * 7) % 40) {
            acknowledged.extend(line.split(' ').map(|id| id.parse::<EventId>().unwrap()));
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it said before it died counts too; its last line may be cut.
        for line in words {
            acknowledged.extend(line.split(' ').filter_map(|id| id.parse::<EventId>().ok()));
        }
    }
    let store = folder.open().await;
    let all = log(&store, EventFilter::all()).await;
    assert_eq!(positions(&all), (1..=all.len() as u64).collect::<Vec<_>>());
    let mut versions = HashMap::new();
    let mut stored = HashSet::new();
    for event in &all {
        assert!(stored.insert(event.id), "event {} is there twice", event.id);
        let version = versions.entry(&event.stream).or_insert(0);
        *version += 1;
        assert_eq!(event.version.get(), *version);
    }
    let lost = acknowledged.iter().filter(|id| !stored.contains(id)).count();
    assert_eq!(lost, 0, "of {} acknowledged events", acknowledged.len());
    let sql = folder.sql();
    let whole: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let written = i64::try_from(all.len()).unwrap();
    let count = |what: &str| -> i64 { sql.query_row(what, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM commands") * 2, written);
    assert_eq!(count("SELECT count(*) FROM event_tags") * 2, written);
}

/// Tries to be the first in each of many streams, and says where it was.
async fn compete(store: &SqliteStore) {
    for round in 0..20 {
        let attempts = (0..10).map(|number| async move {
            let name = format!("s-{round}-{number}");
            (store.append(one(&name, ExpectedVersion::NoStream)).await, name)
        });
        for (outcome, name) in join_all(attempts).await {
            match outcome {
                Ok(_) => println!("\nwon {name}"),
                Err(error) if error.is_conflict() => {}
                Err(error) => println!("\nwon {error}"),
            }
        }
    }
    store.close().await;
}

#[tokio::test]
async fn processes_conflict_as_tasks_do() {
    let folder = Folder::new();
    // The file is new, so they also compete to create it.
    let mut children: Vec<_> = (0..3).map(|_| start("compete", &folder.path())).collect();
    let mut won = Vec::new();
    for child in &mut children {
        won.extend(said(child, "won "));
        assert!(child.wait().unwrap().success());
    }
    won.sort();
    let mut wanted: Vec<_> = (0..20)
        .flat_map(|round| (0..10).map(move |number| format!("s-{round}-{number}")))
        .collect();
    wanted.sort();
    assert_eq!(won, wanted);
    let all = log(&folder.open().await, EventFilter::all()).await;
    assert_eq!(positions(&all), (1..=200).collect::<Vec<_>>());
}

/// Appends until the operating system refuses to let the file grow, then until it no longer does.
async fn write_into_a_limit(store: &SqliteStore) {
    let mut count = 0;
    let error = loop {
        match store.append(one("s", ExpectedVersion::Any)).await {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    let AppendError::Store(StoreError::Backend { .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(store.head().await.unwrap().get(), count);
    store.append(one("s", ExpectedVersion::Any)).await.unwrap_err();
    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited", "--pid", &std::process::id().to_string()])
        .status();
    assert!(lifted.unwrap().success());
    store.append(one("s", ExpectedVersion::Any)).await.unwrap();
    assert_eq!(store.head().await.unwrap().get(), count + 1);
    store.close().await;
    println!("\nstored {}", count + 1);
    std::io::stdout().flush().unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_writer_recovers_from_failed_writes() {
    write_into_a_limited_file().await;
}

#[cfg(target_os = "linux")]
async fn write_into_a_limited_file() {
    let folder = Folder::new();
    let mut limited = command("sh".as_ref(), "limited", &folder.path())
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -S -f 600; exec \"$0\" \"$@\"")
        .arg(env::current_exe().unwrap())
        .args(ARGUMENTS)
        .spawn()
        .unwrap();
    let stored: Vec<_> = said(&mut limited, "stored ").collect();
    assert!(limited.wait().unwrap().success());
    let all = log(&folder.open().await, EventFilter::all()).await;
    assert_eq!(stored, [all.len().to_string()]);
    let repairs: i64 = folder
        .sql()
        .query_row("SELECT value FROM lucent_meta WHERE key = 'repairs'", [], |row| row.get(0))
        .unwrap();
    assert!(repairs > 0);
}

/// Appends until the disk is full, makes room, and goes on.
async fn fill_the_disk(store: SqliteStore, path: &str) {
    let filler = Path::new(path).with_file_name("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let acknowledged = fill(&store).await;
    assert!(acknowledged > 10);
    assert_eq!(log(&store, EventFilter::all()).await.len() as u64, acknowledged);
    fs::remove_file(filler).unwrap();
    let done = store.append(one("b", ExpectedVersion::NoStream)).await.unwrap();
    assert_eq!(done.position.get(), acknowledged + 1);
    store.close().await;
    let store = SqliteStore::open(path).await.unwrap();
    assert_eq!(log(&store, EventFilter::all()).await.len() as u64, acknowledged + 1);
    store.close().await;
    println!("\nrecovered from a full disk");
    std::io::stdout().flush().unwrap();
}

/// A small file system in memory, which only the other process sees, is a disk that fills up. It can be
/// made by a superuser, in a namespace of users, or by `sudo`; where none of that is permitted, a limit
/// of the size of files takes the disk's place.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_refuses_appends_until_there_is_room() {
    let ways: [&[&str]; 3] = [
        &["unshare", "--mount"],
        &["unshare", "--user", "--map-root-user", "--mount"],
        &["sudo", "-n", "unshare", "--mount"],
    ];
    for way in ways {
        let folder = Folder::new();
        let file = folder.path();
        let mut mount = Command::new(way[0]);
        mount.args(&way[1..]).arg("env").arg(format!("{ROLE}=fill"));
        mount.arg(format!("{FILE}={}", file.display())).args(["sh", "-c"]);
        mount.arg("mount -t tmpfs -o size=3m tmpfs \"$1\" && echo mounted && shift && exec \"$@\"");
        mount.arg("sh").arg(file.parent().unwrap());
        mount.arg(env::current_exe().unwrap()).args(ARGUMENTS).stdin(Stdio::null());
        let Ok(output) = mount.output() else { continue };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.contains("mounted\n") {
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("\nrecovered from a full disk"), "{said}{complaint}");
            return;
        }
    }
    write_into_a_limited_file().await;
}
