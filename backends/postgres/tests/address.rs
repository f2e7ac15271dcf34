//! The address of the server that the tests run on; those beside the sources ask for it, too.
//!
//! Invariant: a missing server fails a test, with a message that says how to start it.

use std::{env, fs, path::Path};

/// The connection string of the server.
pub(crate) fn url() -> String {
    if let Ok(url) = env::var("LUCENT_POSTGRES_URL") {
        return url;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/services/postgres/url");
    match fs::read_to_string(&file) {
        Ok(url) => url.trim().to_owned(),
        Err(error) => panic!(
            "these tests need PostgreSQL, and {} cannot be read ({error}): start a server with \
             `cargo xtask services up`, or name one of your own in LUCENT_POSTGRES_URL",
            file.display()
        ),
    }
}
