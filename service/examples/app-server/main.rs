//! An app server in the way of ASP.NET Core with Azure SignalR, for tests: it connects to a service in
//! default mode and runs a hub.
//!
//! ```text
//! cargo run -p signalr-service --example app-server -- http://127.0.0.1:8888 KEY chat server-1 5
//! ```
//!
//! The arguments are the service, its access key, the hub, the name of this server, and how many server
//! connections it opens. It prints `ready` when all are open, and ends with the first that is lost. On a
//! line on its standard input it stops gracefully.

#![allow(clippy::print_stdout, reason = "a tool for people")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

mod caller;
mod clients;
mod hub;
mod hub_protocol;
mod server_connection;

use std::{env, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    sync::watch,
    task::JoinSet,
};

use self::{hub::Hub, server_connection::ServerConnection};

#[tokio::main]
async fn main() {
    let mut args = env::args().skip(1);
    let mut next = || args.next().expect("SERVICE KEY HUB NAME CONNECTIONS");
    let (service, key, hub_name, server, count) = (next(), next(), next(), next(), next());
    let hub = Arc::new(Hub::new(server.clone()));
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    for number in 0..count.parse().expect("a number of connections") {
        let cid = format!("{server}-{number}");
        let connection = ServerConnection::open(&service, &key, &hub_name, &server, &cid).await;
        connections.spawn(connection.run(Arc::clone(&hub), stopping.clone()));
    }
    println!("ready");
    tokio::spawn(async move {
        let mut line = String::new();
        if BufReader::new(stdin()).read_line(&mut line).await.is_ok_and(|read| read > 0) {
            stop.send_replace(true);
        } else {
            // Without an input nobody stops it.
            stop.closed().await;
        }
    });
    connections.join_next().await;
}
