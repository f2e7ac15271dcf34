//! Encrypted connections, to a server whose certificate is made here.

use std::{fs, path::Path, process::Command};

use lucent_core::{
    Position,
    store::{EventStore as _, ExpectedVersion, StoreError},
};
use lucent_postgres::PostgresStore;

use crate::{
    events::append,
    private::{PrivateServer, run},
    server::{TestSchema, url},
};

fn openssl(folder: &Path, arguments: &str) {
    run(Command::new("openssl").args(arguments.split(' ')).current_dir(folder));
}

/// Makes an authority.
fn authority(folder: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let made =
        format!("req -x509 {key} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem");
    openssl(folder, &made);
}

/// Makes a certificate for `localhost` that the authority `good` has signed; gives the settings of a
/// server that shows it.
fn certificate(folder: &Path) -> String {
    authority(folder, "good");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(folder, &format!("req {key} -subj /CN=server -keyout server.key -out server.csr"));
    let extensions = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n";
    fs::write(folder.join("extensions"), extensions).unwrap();
    let signed = "-CA good.pem -CAkey good.key -CAcreateserial -days 2 -extfile extensions";
    openssl(folder, &format!("x509 -req -in server.csr {signed} -out server.pem"));
    let file = |name: &str| folder.join(name).display().to_string();
    format!(
        "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'",
        file("server.pem"),
        file("server.key")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_are_encrypted_and_servers_proven_as_the_connection_string_asks_for() {
    let others = tempfile::tempdir().unwrap();
    authority(others.path(), "other");
    fs::write(others.path().join("empty.pem"), "").unwrap();
    let server = PrivateServer::start_by(&[], certificate);
    fs::copy(server.folder().join("good.pem"), others.path().join("good.pem")).unwrap();
    let (plain, encrypted) = (Ok(false), Ok(true));
    let unknown = Err("UnknownIssuer");
    let cases = [
        ("127.0.0.1", "sslmode=disable", None, plain),
        ("127.0.0.1", "application_name=a", None, encrypted),
        ("127.0.0.1", "sslmode=prefer", None, encrypted),
        ("127.0.0.1", "sslmode=require", None, encrypted),
        ("127.0.0.1", "sslmode=require", Some("good.pem"), encrypted),
        ("127.0.0.1", "sslmode=require", Some("other.pem"), unknown),
        ("127.0.0.1", "sslmode=verify-ca", Some("good.pem"), encrypted),
        ("127.0.0.1", "sslmode=verify-ca", Some("other.pem"), unknown),
        ("localhost", "sslmode=verify-full", Some("good.pem"), encrypted),
        (
            "127.0.0.1",
            "sslmode=verify-full",
            Some("good.pem"),
            Err("certificate not valid for name"),
        ),
        ("localhost", "sslmode=verify-full", Some("other.pem"), unknown),
        // The system does not know this authority.
        ("localhost", "sslmode=verify-full", None, unknown),
        ("localhost", "sslmode=verify-full", Some("missing.pem"), Err("name a file")),
        ("localhost", "sslmode=verify-full", Some("empty.pem"), Err("name a file")),
    ];
    for (number, (host, mode, authorities, expected)) in cases.into_iter().enumerate() {
        let name = format!("case_{number}");
        let mut url = server.url().replace("127.0.0.1", host);
        url = format!("{url}?{mode}&application_name={name}");
        if let Some(file) = authorities {
            url = format!("{url}&sslrootcert={}", others.path().join(file).display());
        }
        match (PostgresStore::connect(&url).await, expected) {
            (Ok(store), Ok(expected)) => {
                let found = server
                    .client()
                    .await
                    .query_one(
                        "SELECT bool_or(s.ssl) FROM pg_stat_ssl AS s \
                         JOIN pg_stat_activity AS a USING (pid) WHERE a.application_name = $1",
                        &[&name],
                    )
                    .await;
                assert_eq!(found.unwrap().get::<_, bool>(0), expected, "{url}");
                store.close().await;
            }
            (Err(error @ StoreError::Inaccessible { .. }), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{url}: {error}");
                assert!(error.to_string().contains("`sslrootcert`"), "{url}: {error}");
            }
            (outcome, _) => panic!("{url}: {outcome:?}"),
        }
    }
    let url = format!("{}?sslmode=require", server.url());
    let stores = [PostgresStore::connect(&url).await, PostgresStore::connect(&url).await];
    let [store, other] = stores.map(Result::unwrap);
    let waiting = tokio::spawn(async move { other.wait_past(Position::ZERO).await });
    store.append(append("a-1", ExpectedVersion::NoStream)).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Position::new(1));
}

#[tokio::test]
async fn a_server_that_cannot_encrypt_is_refused_where_that_is_required() {
    let error = PostgresStore::connect(format!("{}?sslmode=require", url())).await.unwrap_err();
    assert!(matches!(error, StoreError::Inaccessible { .. }), "{error:?}");
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
    let schema = TestSchema::new();
    let plain = PostgresStore::builder(format!("{}?sslmode=prefer", url())).schema(&schema.name);
    plain.connect().await.unwrap();
}
