//! A SignalR client: WebSockets, server-sent events and long polling; JSON and MessagePack;
//! automatic and stateful reconnect; calls, streams both ways, and answers to the server's calls.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use signalr_client::{Client, Event};
//!
//! let (connection, mut events) = Client::new("http://localhost:7071/api/chat")?.connect().await?;
//! connection.send("newMessage", &("hello",)).await?;
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Invocation(call) => println!("{}: {}", call.target(), call.arguments().to_json()?),
//!         Event::Closed(closed) => println!("closed: {closed}"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Each connection is one task with one socket and a few kilobytes, so a process can hold
//! thousands. Every queue has a bound: a program that does not read its [`Events`] slows the server
//! down. Pings continue meanwhile.
//!
//! # Where to find what
//!
//! - [`Client`] says how to connect, [`Connection`] makes calls, [`Events`] is what arrives.
//! - [`Call`] is a call with streams of its own, [`Items`] a stream from the server, [`Upload`] one to it.
//! - [`Reconnect`] says when to connect again. [`ConnectError`] and [`CallError`] say what went wrong.

#![warn(missing_docs)]

mod call;
mod client;
mod command;
mod connection;
mod driver;
mod encoding;
mod error;
mod event;
mod invocation;
mod negotiate;
mod open;
mod options;
mod payload;
mod protocol;
mod reconnect;
mod refusal;
mod token;
mod transport;
mod upload;

pub use self::{
    call::{Answer, Call, Items},
    client::Client,
    connection::Connection,
    encoding::Protocol,
    error::{CallError, ConnectError},
    event::{Closed, Event, Events},
    invocation::Invocation,
    payload::{Payload, PayloadError},
    reconnect::Reconnect,
    transport::kind::Kind as Transport,
    upload::Upload,
};
pub use signalr_http_client::Trust;
