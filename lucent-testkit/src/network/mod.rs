//! A network that fails on command, for tests of what talks to a server.
//!
//! A [`FaultyNetwork`] stands between a client and its server. It passes on what either sends until it
//! is told to cut, stall, delay or half-close connections, now or when certain bytes pass.
//!
//! ```
//! # use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::{TcpListener, TcpStream}};
//! use lucent_testkit::network::{FaultyNetwork, Fault};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! # let server = TcpListener::bind("127.0.0.1:0").await?;
//! # let server_address = server.local_addr()?;
//! # tokio::spawn(async move {
//! #     let (mut client, _) = server.accept().await.unwrap();
//! #     let mut request = [0; 8];
//! #     client.read_exact(&mut request).await.unwrap();
//! #     client.write_all(b"done").await.unwrap();
//! # });
//! let network = FaultyNetwork::to(server_address).await?;
//! let mut client = TcpStream::connect(network.address()).await?;
//! // The server gets the request and does it, and the client never hears of that.
//! let struck = network.on(b"transfer", Fault::LoseAnswer);
//! client.write_all(b"transfer").await?;
//! struck.await;
//! assert_eq!(client.read(&mut [0; 8]).await?, 0);
//! # Ok(()) }
//! ```
//!
//! Invariant: nothing depends on how long things take. What a test has to know, such as that an answer
//! is being held back, it can wait for.

mod connection;
mod flow;
mod proxy;

pub use flow::{Direction, Fault};
pub use proxy::FaultyNetwork;
