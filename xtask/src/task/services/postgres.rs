//! A PostgreSQL server of the project's own.
//!
//! Invariant: it listens on a private port of the loopback interface, keeps everything in
//! `target/services/postgres` (or, where its user may not go there, in a folder of its own among the
//! temporary files), and syncs to disk like a real one. Its address stands in the file
//! `url` of that folder exactly while it runs.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::Up;
use crate::{Failure, Workspace};

/// Names a server to be used instead of one of ours.
const URL_VARIABLE: &str = "LUCENT_POSTGRES_URL";

const USER: &str = "lucent";
const PASSWORD: &str = "lucent";
const DATABASE: &str = "lucent";

/// Settings beyond the defaults; syncing to disk stays on.
const SETTINGS: &str = "\n\
    listen_addresses = '127.0.0.1'\n\
    unix_socket_directories = ''\n\
    max_connections = 200\n\
    shared_buffers = 512MB\n\
    max_wal_size = 4GB\n";

pub(super) fn up(workspace: &Workspace) -> Result<Up, Failure> {
    if env::var_os(URL_VARIABLE).is_some() {
        return Ok(Up::Already);
    }
    let server = Server::new(workspace)?;
    if server.runs()? && server.url_file().exists() {
        return Ok(Up::Already);
    }
    server.make()?;
    server.start()?;
    Ok(Up::Started)
}

pub(super) fn down(workspace: &Workspace) -> Result<(), Failure> {
    let folder = folder(workspace);
    if env::var_os(URL_VARIABLE).is_some() || !folder.join("url").exists() {
        return Ok(());
    }
    let server = Server::new(workspace)?;
    if server.runs()? {
        server.control(&["-m", "fast", "-w", "stop"])?;
    }
    match fs::remove_file(server.url_file()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(cannot("remove", &server.url_file(), &error))
        }
        _ => Ok(()),
    }
}

pub(super) fn status(workspace: &Workspace) -> Result<String, Failure> {
    if env::var_os(URL_VARIABLE).is_some() {
        return Ok(format!("the server that {URL_VARIABLE} names"));
    }
    let url_file = folder(workspace).join("url");
    match fs::read_to_string(&url_file) {
        Ok(url) if Server::new(workspace)?.runs()? => Ok(url),
        _ => Ok("down".to_owned()),
    }
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("target/services/postgres")
}

/// Where the server keeps its files. It runs as a user of its own if this process is root's, and
/// that user may not be able to enter the folders above the workspace.
fn home(workspace: &Workspace, folder: &Path, is_root: bool) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))?;
    let mut enter = Command::new("runuser");
    enter.args(["-u", "postgres", "--", "test", "-x"]).arg(folder).current_dir("/");
    if !is_root || run(&mut enter).is_ok() {
        return Ok(folder.to_path_buf());
    }
    let mut hash = DefaultHasher::new();
    workspace.root.hash(&mut hash);
    let home = env::temp_dir().join(format!("lucent-postgres-{:016x}", hash.finish()));
    fs::create_dir_all(&home).map_err(|error| cannot("make", &home, &error))?;
    println!(
        "the server's user cannot enter {}; its files are in {}",
        folder.display(),
        home.display()
    );
    Ok(home)
}

/// The server of this workspace, running or not.
struct Server {
    folder: PathBuf,
    /// Where the server's user can keep its files.
    home: PathBuf,
    programs: PathBuf,
    is_root: bool,
}

impl Server {
    fn new(workspace: &Workspace) -> Result<Self, Failure> {
        let is_root = is_root();
        let programs = match programs() {
            Some(programs) => programs,
            None => install()?,
        };
        let folder = folder(workspace);
        let home = home(workspace, &folder, is_root)?;
        Ok(Self { folder, home, programs, is_root })
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn url_file(&self) -> PathBuf {
        self.folder.join("url")
    }

    fn runs(&self) -> Result<bool, Failure> {
        if !self.data().join("PG_VERSION").exists() {
            return Ok(false);
        }
        let output = self.program("pg_ctl").arg("-D").arg(self.data()).arg("status").output();
        let output = output.map_err(|error| self.not_started("pg_ctl", &error))?;
        Ok(output.status.success())
    }

    /// Makes the data folder, unless it is there.
    fn make(&self) -> Result<(), Failure> {
        let data = self.data();
        if self.home.join("made").exists() {
            return Ok(());
        }
        match fs::remove_dir_all(&data) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(cannot("remove", &data, &error));
            }
            _ => {}
        }
        fs::create_dir_all(&data).map_err(|error| cannot("make", &data, &error))?;
        let password = self.home.join("password");
        fs::write(&password, PASSWORD).map_err(|error| cannot("write", &password, &error))?;
        if self.is_root {
            // The server refuses to run as root; the package has made a user for it.
            let mut chown = Command::new("chown");
            run(chown.args(["-R", "postgres:postgres"]).arg(&data).arg(&password))?;
        }
        let mut initdb = self.program("initdb");
        initdb.arg("-D").arg(&data).arg("--pwfile").arg(&password).args(["-U", USER]);
        run(initdb.args(["-A", "scram-sha-256", "-E", "UTF8", "--locale=C"]))?;
        let settings = data.join("postgresql.conf");
        let text = fs::read_to_string(&settings).map(|text| text + SETTINGS);
        let written = text.and_then(|text| fs::write(&settings, text));
        written.map_err(|error| cannot("change", &settings, &error))?;
        let made = self.home.join("made");
        fs::write(&made, "").map_err(|error| cannot("write", &made, &error))
    }

    /// Starts the server on a free port, makes the database, and writes down the address.
    fn start(&self) -> Result<(), Failure> {
        if self.runs()? {
            self.control(&["-m", "fast", "-w", "stop"])?;
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free
            .map_err(|error| Failure::Setup(format!("no port of 127.0.0.1 is free: {error}")))?
            .port();
        let log = self.data().join("server.log");
        let mut start = self.program("pg_ctl");
        start.arg("-D").arg(self.data()).arg("-l").arg(&log).args(["-o", &format!("-p {port}")]);
        run(start.args(["-t", "60", "-w", "start"])).map_err(|failure| {
            Failure::Setup(format!("{failure}\nthe server's log is {}", log.display()))
        })?;
        self.make_database(port)?;
        let url = format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}");
        fs::write(self.url_file(), url).map_err(|error| cannot("write", &self.url_file(), &error))
    }

    fn make_database(&self, port: u16) -> Result<(), Failure> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.env("PGPASSWORD", PASSWORD).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        psql.args(["-U", USER, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-Atq", "-c"]);
        let found = run(psql.arg("SELECT count(*) FROM pg_database WHERE datname = 'lucent'"))?;
        if found.trim() == "1" {
            return Ok(());
        }
        let mut createdb = Command::new(self.programs.join("createdb"));
        createdb.env("PGPASSWORD", PASSWORD).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        run(createdb.args(["-U", USER, DATABASE])).map(drop)
    }

    fn control(&self, arguments: &[&str]) -> Result<(), Failure> {
        run(self.program("pg_ctl").arg("-D").arg(self.data()).args(arguments)).map(drop)
    }

    /// A program of the server, run by a user that it accepts.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = match self.is_root {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir("/");
        command
    }

    fn not_started(&self, name: &str, error: &io::Error) -> Failure {
        let program = self.programs.join(name);
        Failure::Setup(format!("{} cannot be started: {error}", program.display()))
    }
}

/// The folder of the newest server that is installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse::<u32>().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").exists())
        .max();
    let on_path = || {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).find(|folder| folder.join("initdb").exists())
    };
    packaged.map(|(_, folder)| folder).or_else(on_path)
}

/// Installs the server from Debian's packages.
fn install() -> Result<PathBuf, Failure> {
    let ways_out = format!(
        "install it (on Debian and Ubuntu `apt-get install postgresql`), or name a server of your \
         own in {URL_VARIABLE}, such as postgres://user:password@host/database"
    );
    install_package("PostgreSQL", "postgresql", &ways_out)?;
    programs().ok_or_else(|| {
        Failure::Setup(format!("the package `postgresql` brought no server: {ways_out}"))
    })
}

/// Installs one of Debian's packages, or says what else helps.
pub(super) fn install_package(name: &str, package: &str, ways_out: &str) -> Result<(), Failure> {
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        return Err(Failure::Setup(format!("{name} is not installed: {ways_out}")));
    }
    println!("{name} is not installed; installing the package `{package}`");
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run(install.args(["install", "-y", "--no-install-recommends", package]))
        .map_err(|failure| Failure::Setup(format!("{failure}\n{ways_out}")))
        .map(drop)
}

/// Whether this process is root's.
fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Runs a command to its end; gives what it printed, or fails with that.
fn run(command: &mut Command) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let Output { status, stdout, stderr } = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Setup(format!("{name} cannot be started: {error}")))?;
    let printed = String::from_utf8_lossy(&stdout).into_owned();
    if status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&stderr);
    Err(Failure::Setup(format!(
        "{:?} failed ({status}):\n{}\n{}",
        command,
        printed.trim(),
        complaint.trim()
    )))
}

fn cannot(act: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Setup(format!("cannot {act} {}: {error}", path.display()))
}
