//! Servers of a test's own, which it may kill, starve and promote.
//!
//! Invariant: a server is gone when its test ends; where no server can be started, the test fails and
//! says what is missing.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::process::CommandExt as _,
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
    /// What the server is started by, such as a program that limits it.
    starter: &'static [&'static str],
}

impl PrivateServer {
    /// Makes and starts a server with the settings that a test needs.
    pub(crate) fn start(settings: &str) -> Self {
        Self::start_by(&[], |_| settings.to_owned())
    }

    /// Starts a server that runs under another program. The settings may name files that are put into
    /// the server's folder.
    pub(crate) fn start_by(
        starter: &'static [&'static str],
        settings: impl FnOnce(&Path) -> String,
    ) -> Self {
        let server = Self::new(starter);
        let settings = settings(server.folder.path());
        let password = server.folder.path().join("password");
        fs::write(&password, PASSWORD).expect("the folder can be written");
        give_to_servers_user(server.folder.path());
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
        give_to_servers_user(replica.folder.path());
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

    /// Takes all of its processes away at once, as when its machine is lost. If its first process is killed
    /// alone, the others commit for a moment what no replica has confirmed.
    pub(crate) fn lose(&self) {
        let first = self.first_process();
        run(Command::new("kill").args(["-STOP", &first]));
        let children = Command::new("pgrep").args(["-P", &first]).output().expect("pgrep runs");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        for signal in ["-STOP", "-KILL"] {
            // One may have ended by itself.
            drop(Command::new("kill").arg(signal).args(children.split_whitespace()).output());
        }
        run(Command::new("kill").args(["-KILL", &first]));
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

    /// Where it keeps its files.
    #[cfg(feature = "tls")]
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
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
            let mut lift = program_of_servers_user("prlimit".as_ref());
            run(lift.args(["--fsize=unlimited", "--pid", &pid]));
        }
    }

    /// Adds settings that count from the next start on.
    fn set(&self, settings: &str) {
        let file = self.data().join("postgresql.conf");
        let text = fs::read_to_string(&file).expect("the settings can be read");
        fs::write(&file, format!("{text}\n{settings}\n")).expect("the settings can be changed");
    }

    fn new(starter: &'static [&'static str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        Self {
            folder: tempfile::tempdir().expect("a folder can be made"),
            port: free.expect("a port is free").port(),
            programs: programs(),
            starter,
        }
    }

    /// A program of the server.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut words = self.starter.iter().map(Path::new).chain([program.as_path()]);
        let mut command = program_of_servers_user(words.next().expect("there is the program"));
        command.args(words);
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

/// Servers refuse to run as root; PostgreSQL's package has made a user for that.
fn is_root() -> bool {
    id(&["-u"]) == 0
}

/// The number of a user or a group.
fn id(arguments: &[&str]) -> u32 {
    let output = output(Command::new("id").args(arguments));
    let number = String::from_utf8_lossy(&output.stdout).trim().parse();
    number.unwrap_or_else(|_| panic!("id {arguments:?}: {}", said_by(&output)))
}

/// Lets a server write into a folder.
pub(crate) fn give_to_servers_user(folder: &Path) {
    if is_root() {
        run(Command::new("chown").args(["-R", "postgres:postgres"]).arg(folder));
    }
}

/// A program, run by a user as whom it agrees to run.
pub(crate) fn program_of_servers_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(id(&["-u", "postgres"])).gid(id(&["-g", "postgres"]));
    }
    command.current_dir("/");
    command
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

pub(crate) fn run(command: &mut Command) {
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
