//! The network that fails on command does what it is told, and no more.

use std::{net::SocketAddr, time::Duration};

use lucent_testkit::network::{Direction, Fault, FaultyNetwork};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// A server that answers each piece with the same in capitals, and reports what it got.
async fn server() -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (report, reports) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let report = report.clone();
            tokio::spawn(async move {
                let mut piece = [0; 64];
                while let Ok(length @ 1..) = client.read(&mut piece).await {
                    let text = String::from_utf8(piece[..length].to_vec()).unwrap();
                    drop(report.send(text.clone()));
                    drop(client.write_all(text.to_uppercase().as_bytes()).await);
                }
                drop(report.send("end".to_owned()));
            });
        }
    });
    (address, reports)
}

async fn network() -> (FaultyNetwork, mpsc::UnboundedReceiver<String>) {
    let (address, reports) = server().await;
    (FaultyNetwork::to(address).await.unwrap(), reports)
}

async fn client(network: &FaultyNetwork) -> TcpStream {
    TcpStream::connect(network.address()).await.unwrap()
}

async fn send(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

/// What the server answers next; nothing if the connection has ended.
async fn answer(client: &mut TcpStream) -> String {
    let mut piece = [0; 64];
    let length = client.read(&mut piece).await.unwrap_or(0);
    String::from_utf8(piece[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn without_a_command_everything_passes() {
    let (network, mut reports) = network().await;
    let mut client = client(&network).await;
    for text in ["one", "two"] {
        send(&mut client, text).await;
        assert_eq!(reports.recv().await.unwrap(), text);
        assert_eq!(answer(&mut client).await, text.to_uppercase());
    }
    assert_eq!((network.open(), network.opened()), (1, 1));
    drop(client);
    assert_eq!(reports.recv().await.unwrap(), "end");
}

#[tokio::test]
async fn a_cut_ends_both_sides_and_refuses_new_connections_until_it_is_lifted() {
    let (network, mut reports) = network().await;
    let mut first = client(&network).await;
    send(&mut first, "one").await;
    assert_eq!(answer(&mut first).await, "ONE");
    network.cut();
    assert_eq!(answer(&mut first).await, "");
    assert_eq!(answer(&mut client(&network).await).await, "");
    assert_eq!(reports.recv().await.unwrap(), "one");
    assert_eq!(reports.recv().await.unwrap(), "end");
    network.resume();
    let mut third = client(&network).await;
    send(&mut third, "three").await;
    assert_eq!(answer(&mut third).await, "THREE");
    network.cut_open();
    assert_eq!(answer(&mut third).await, "");
    let mut fourth = client(&network).await;
    send(&mut fourth, "four").await;
    assert_eq!(answer(&mut fourth).await, "FOUR");
}

#[tokio::test]
async fn what_is_stalled_is_held_back_and_then_passed_on() {
    let (network, mut reports) = network().await;
    let mut client = client(&network).await;
    network.stall(Direction::ToServer);
    send(&mut client, "one").await;
    network.until_held(Direction::ToServer).await;
    assert!(reports.is_empty());
    network.resume();
    assert_eq!(answer(&mut client).await, "ONE");
    network.stall(Direction::ToClient);
    send(&mut client, "two").await;
    network.until_held(Direction::ToClient).await;
    assert_eq!(reports.recv().await.unwrap(), "one");
    assert_eq!(reports.recv().await.unwrap(), "two");
    network.resume();
    assert_eq!(answer(&mut client).await, "TWO");
}

#[tokio::test]
async fn a_half_closed_connection_passes_what_goes_the_other_way() {
    let (network, mut reports) = network().await;
    let mut client = client(&network).await;
    send(&mut client, "one").await;
    assert_eq!(reports.recv().await.unwrap(), "one");
    network.half_close(Direction::ToServer);
    assert_eq!(reports.recv().await.unwrap(), "end");
    assert_eq!(answer(&mut client).await, "ONE");
    network.resume();
    send(&mut client, "lost").await;
    assert_eq!(answer(&mut client).await, "");
    assert!(reports.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_comes_late() {
    let (network, _reports) = network().await;
    let mut client = client(&network).await;
    network.delay(Direction::ToClient, Duration::from_secs(60));
    let before = tokio::time::Instant::now();
    send(&mut client, "one").await;
    assert_eq!(answer(&mut client).await, "ONE");
    assert!(before.elapsed() >= Duration::from_secs(60));
}

#[tokio::test]
async fn a_lost_request_does_not_arrive() {
    let (network, mut reports) = network().await;
    let mut client = client(&network).await;
    let struck = network.on(b"two", Fault::LoseRequest);
    send(&mut client, "one").await;
    assert_eq!(answer(&mut client).await, "ONE");
    // The bytes that are waited for come in two pieces.
    send(&mut client, "1 t").await;
    assert_eq!(answer(&mut client).await, "1 T");
    send(&mut client, "wo").await;
    struck.await;
    assert_eq!(answer(&mut client).await, "");
    for report in ["one", "1 t", "end"] {
        assert_eq!(reports.recv().await.unwrap(), report);
    }
}

#[tokio::test]
async fn a_lost_answer_was_given() {
    let (network, mut reports) = network().await;
    let mut client = client(&network).await;
    let struck = network.on(b"one", Fault::LoseAnswer);
    send(&mut client, "one").await;
    struck.await;
    assert_eq!(answer(&mut client).await, "");
    assert_eq!(reports.recv().await.unwrap(), "one");
}

#[tokio::test]
async fn an_answer_that_is_held_back_comes_once_the_network_is_well_again() {
    let (network, mut reports) = network().await;
    let (mut client, mut other) = (client(&network).await, client(&network).await);
    let struck = network.on(b"one", Fault::HoldAnswer);
    send(&mut client, "one").await;
    struck.await;
    assert_eq!(reports.recv().await.unwrap(), "one");
    // Other connections are not concerned.
    send(&mut other, "two").await;
    assert_eq!(answer(&mut other).await, "TWO");
    network.resume();
    assert_eq!(answer(&mut client).await, "ONE");
}

#[tokio::test]
async fn a_fault_can_strike_what_comes_next() {
    let (network, mut reports) = network().await;
    let mut client = client(&network).await;
    let struck = network.on_next(b"one", Fault::LoseRequest);
    send(&mut client, "one").await;
    assert_eq!(answer(&mut client).await, "ONE");
    send(&mut client, "commit").await;
    struck.await;
    assert_eq!(answer(&mut client).await, "");
    assert_eq!(reports.recv().await.unwrap(), "one");
    assert_eq!(reports.recv().await.unwrap(), "end");
}

#[tokio::test]
async fn a_network_that_is_dropped_is_gone() {
    let (network, _reports) = network().await;
    let mut client = client(&network).await;
    send(&mut client, "one").await;
    assert_eq!(answer(&mut client).await, "ONE");
    drop(network);
    assert_eq!(answer(&mut client).await, "");
}
