//! The HTTP server under everything that listens: the service, the functions' own port, and
//! `signalr dev`.
//!
//! A program asks for the signal that ends it, opens its ports, and serves until the signal:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use signalr_http_server::{Limits, Listen, end_signal, serve};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let signal = end_signal()?;
//! let listeners = Listen::Loopback { port: 7071 }.bind().await?;
//! let app = Router::new().route("/", get(async || "hello"));
//! serve(listeners, app, Limits::default(), signal).await;
//! # Ok(())
//! # }
//! ```
//!
//! | file | concern |
//! |---|---|
//! | `listen` | the ports |
//! | `serve` | from the first connection to the end of the last |
//! | `accept` | taking connections |
//! | `tcp` | what is set on each socket |
//! | `socket_places` | how many connections there may be, in all and from one address |
//! | `addresses` | how many connections there may be from one address |
//! | `forwarded` | who calls through a proxy |
//! | `refuse` | connections that get no place |
//! | `connection` | the requests of one connection |
//! | `limits` | how much a caller may send, and how long everything may take |
//! | `head_timer` | the time for the head of a request, apart from the time between requests |
//! | `socket` | the socket under a connection, and how an upgrade takes it away |
//! | `unread_body` | answers that are ready before the body of their request was read |
//! | `write_limit` | how long a caller may take nothing of what is written to it |
//! | `linger` | the end of a connection whose caller may still be sending |
//! | `stream` | plain, or with TLS |
//! | `tls` | the certificate, its changes, and the handshake (feature `tls`) |
//! | `signal` | when a program is to end |
//! | `reload` | when a program is to read its files again |
//! | `exit` | what a program exits with |

#![warn(missing_docs)]

mod accept;
#[cfg(feature = "addresses")]
mod addresses;
mod connection;
mod exit;
#[cfg(feature = "addresses")]
mod forwarded;
mod head_timer;
mod limits;
mod linger;
mod listen;
#[cfg(not(feature = "addresses"))]
mod no_addresses;
mod refuse;
mod reload;
mod serve;
mod signal;
mod socket;
mod socket_places;
mod tcp;
mod unread_body;
mod write_limit;

#[cfg(feature = "addresses")]
pub use self::addresses::{Counted, TooManyOfAddress};
mod stream;
#[cfg(feature = "tls")]
mod tls;

#[cfg(feature = "tls")]
pub use self::tls::{Tls, TlsError};
pub use self::{
    exit::Exit,
    limits::Limits,
    listen::{Listen, ListenError},
    reload::ReloadSignals,
    serve::{serve, serve_with},
    signal::{EndSignals, FirstSignal, SecondSignal, Signal, end_signal},
    socket::{UpgradedSocket, take_socket},
    socket_places::{NoPlace, SocketCounts, SocketLimits, SocketPlace, SocketPlaces},
    stream::Security,
};
