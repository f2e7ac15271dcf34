//! The server that all contenders share, and a database of its own for each.
//!
//! Invariant: every contender starts on an empty database of the same server with the same settings.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use tokio_postgres::{Client, Config, NoTls};

/// The server.
pub struct Server {
    url: String,
}

impl Server {
    /// The server that the environment names, or the project's own.
    pub fn find() -> anyhow::Result<Self> {
        if let Ok(url) = std::env::var("LUCENT_POSTGRES_URL") {
            return Ok(Self { url });
        }
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/services/postgres/url");
        let url = fs::read_to_string(&file).context(
            "no PostgreSQL server: run `cargo xtask services up`, or name one in LUCENT_POSTGRES_URL",
        )?;
        Ok(Self { url: url.trim().to_owned() })
    }

    /// Makes an empty database and gives its address.
    pub async fn make(&self, name: &str) -> anyhow::Result<String> {
        let admin = connect(&self.url).await?;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (front, _) = self.url.rsplit_once('/').context("the address names no database")?;
        Ok(format!("{front}/{name}"))
    }

    /// Removes a database.
    pub async fn remove(&self, name: &str) -> anyhow::Result<()> {
        let admin = connect(&self.url).await?;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        Ok(())
    }

    /// The version and the settings that matter for durability.
    pub async fn describe(&self) -> anyhow::Result<String> {
        let admin = connect(&self.url).await?;
        let mut settings = Vec::new();
        for name in ["server_version", "fsync", "synchronous_commit", "full_page_writes"] {
            let row = admin.query_one(&format!("SHOW {name}"), &[]).await?;
            settings.push(row.get::<_, String>(0));
        }
        let [version, fsync, commit, pages] = settings.try_into().unwrap_or_default();
        ensure!(fsync == "on" && commit == "on", "this server does not sync to disk");
        let version = version.split(' ').next().unwrap_or_default();
        Ok(format!(
            "PostgreSQL {version}, `fsync={fsync}`, `synchronous_commit={commit}`, \
             `full_page_writes={pages}`"
        ))
    }
}

/// Brings a filled database to rest, so that each measurement starts from the same point.
pub async fn settle(url: &str) -> anyhow::Result<()> {
    let client = connect(url).await?;
    client.batch_execute("ANALYZE").await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

/// A connection.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let config: Config = url.parse()?;
    let (client, connection) = config.connect(NoTls).await.context("cannot connect")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a connection broke: {error}");
        }
    });
    Ok(client)
}
