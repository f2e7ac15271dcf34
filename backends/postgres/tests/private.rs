//! Servers of a test's own, which it may kill, starve and promote.
//!
//! Invariant: a server is gone when its test ends; where no server can be started, the test fails and
//! says what is missing.

use std::{
    env,
    ffi::OsStr,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// A PostgreSQL server on a port of its own.
pub(crate) struct PrivateServer {
    /// Removed at the end, after the server was stopped.
    folder: TempDir,
    port: u16,
    programs: PathBuf,
    is_root: bool,
    /// What the server is started by, such as a program that limits it.
    starter: &'static [&'static str],
}

impl PrivateServer {
    /// Makes and starts a server with the settings that a test needs.
    pub(crate) fn start(settings: &str) -> Self {
        Self::start_by(&[], settings)
    }

    /// Starts a server that runs under another program.
    pub(crate) fn start_by(starter: &'static [&'static str], settings: &str) -> Self {
        let server = Self::new(starter);
        let password = server.folder.path().join("password");
        fs::write(&password, PASSWORD).expect("the folder can be written");
        server.give_away();
        let mut initdb = server.program("initdb");
        initdb.args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]);
        // Small segments, so that a limit of the size of files is not met by the WAL.
        initdb.arg("--wal-segsize=1").arg("--pwfile").arg(password).arg("-D").arg(server.data());
        run(&mut initdb);
        server.set(&format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
             shared_buffers = 32MB\n{settings}\n"
        ));
        server.resume();
        server
    }

    /// A server that follows this one.
    pub(crate) fn replica(&self) -> Self {
        let replica = Self::new(&[]);
        replica.give_away();
        let mut copy = replica.program("pg_basebackup");
        copy.env("PGPASSWORD", PASSWORD).args([
            "-h",
            "127.0.0.1",
            "-U",
            USER,
            "-R",
            "-X",
            "stream",
        ]);
        copy.args(["-c", "fast", "--no-sync", "-p", &self.port.to_string()]);
        run(copy.arg("-D").arg(replica.data()));
        replica.resume();
        replica
    }

    /// Starts it, also after it was killed, on the same port.
    pub(crate) fn resume(&self) {
        // What is left of a server that was killed ends by itself, and until then another one does not
        // start.
        let mut said = String::new();
        for _ in 0..50 {
            let mut start = self.program("pg_ctl");
            start.arg("-D").arg(self.data()).arg("-l").arg(self.log());
            start.args(["-o", &format!("-p {}", self.port), "-t", "60", "-w", "start"]);
            match output(&mut start) {
                output if output.status.success() => return,
                output => said = said_by(&output),
            }
        }
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        panic!("the server does not start: {said}\nits log:\n{log}");
    }

    /// Kills its first process, as the system does when memory runs out.
    pub(crate) fn kill(&self) {
        run(Command::new("kill").args(["-9", &self.first_process()]));
    }

    /// Ends its being a replica.
    pub(crate) fn promote(&self) {
        run(self.program("pg_ctl").arg("-D").arg(self.data()).args(["-t", "60", "-w", "promote"]));
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A plain connection.
    pub(crate) async fn client(&self) -> Client {
        let (client, connection) =
            tokio_postgres::connect(&self.url(), NoTls).await.expect("the server runs");
        tokio::spawn(connection);
        client
    }

    /// Lifts the limit of the size of files, of each of its processes.
    pub(crate) async fn lift_file_limit(&self) {
        let client = self.client().await;
        let rows = client.query("SELECT pid::text FROM pg_stat_activity", &[]).await;
        let others = rows.expect("the server answers").into_iter().map(|row| row.get(0));
        for pid in others.chain([self.first_process()]) {
            run(self.as_its_user(&[], "prlimit".as_ref()).args([
                "--fsize=unlimited",
                "--pid",
                &pid,
            ]));
        }
    }

    /// Adds settings that count from the next start on.
    pub(crate) fn set(&self, settings: &str) {
        let file = self.data().join("postgresql.conf");
        let text = fs::read_to_string(&file).expect("the settings can be read");
        fs::write(&file, format!("{text}\n{settings}\n")).expect("the settings can be changed");
    }

    fn new(starter: &'static [&'static str]) -> Self {
        let id = Command::new("id").arg("-u").output();
        let is_root = id.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        Self {
            folder: tempfile::tempdir().expect("a folder can be made"),
            port: free.expect("a port is free").port(),
            programs: programs(),
            is_root,
            starter,
        }
    }

    /// The server refuses to run as root; the package has made a user for it.
    fn give_away(&self) {
        if self.is_root {
            run(Command::new("chown").args(["-R", "postgres:postgres"]).arg(self.folder.path()));
        }
    }

    /// A program of the server.
    fn program(&self, name: &str) -> Command {
        self.as_its_user(self.starter, &self.programs.join(name))
    }

    /// A program, run by a user that the server accepts and under another program.
    fn as_its_user(&self, starter: &[&str], program: &Path) -> Command {
        let user: &[&str] = if self.is_root { &["runuser", "-u", "postgres", "--"] } else { &[] };
        let mut words = user.iter().chain(starter).map(OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().expect("there is the program"));
        command.args(words).current_dir("/");
        command
    }

    fn first_process(&self) -> String {
        let file = fs::read_to_string(self.data().join("postmaster.pid"));
        let file = file.expect("a server that runs has written its process down");
        file.lines().next().expect("it is the first line").to_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // It may have been killed, and a failing test must not fail twice.
        drop(
            self.program("pg_ctl")
                .arg("-D")
                .arg(self.data())
                .args(["-m", "immediate", "stop"])
                .output(),
        );
    }
}

/// The folder of the newest server that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse::<u32>().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").exists())
        .max()
        .map(|(_, folder)| folder);
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = || env::split_paths(&path).find(|folder: &PathBuf| is_server(folder));
    packaged.or_else(on_path).expect(
        "this test starts a server of its own, so it needs PostgreSQL's programs: install them \
         (`cargo xtask services up` does so on Debian), or put them on the PATH",
    )
}

fn is_server(folder: &Path) -> bool {
    folder.join("initdb").exists()
}

fn run(command: &mut Command) {
    let output = output(command);
    assert!(output.status.success(), "{command:?}: {}", said_by(&output));
}

fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

fn said_by(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy);
    format!("{} {}", text[0].trim(), text[1].trim())
}

const USER: &str = "lucent";
const PASSWORD: &str = "lucent";
