//! The HTTP server of everything that listens: the service, the functions on a local port, and
//! `signalr dev`.
//!
//! A program begins to listen for the signal that ends it, opens its ports, and serves until the
//! signal:
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
//! | `accept` | accepting connections |
//! | `tcp` | what is set on each socket |
//! | `socket_places` | the limits on connections, and the place of each connection |
//! | `addresses` | the limit on connections from one address (feature `addresses`) |
//! | `no_addresses` | the same interface without that feature |
//! | `forwarded` | the caller behind a proxy (feature `addresses`) |
//! | `refuse` | connections that get no place |
//! | `connection` | the requests of one connection |
//! | `afterwards` | the work of a connection after the answer to its upgrade |
//! | `limits` | how much a caller may send, and how long everything may take |
//! | `head_timer` | the time limit for the head of a request, separate from the time between requests |
//! | `socket` | the socket under a connection, and how an upgrade takes it away |
//! | `request_body` | the body of a request, which knows whether it was read to its end |
//! | `unread_body` | answers that are ready before the body of their request was read |
//! | `write_limit` | how long a caller may accept no bytes of its answer |
//! | `linger` | the end of a connection whose caller may still be sending |
//! | `stream` | plain, or with TLS |
//! | `tls` | the certificate, its changes, and the handshake (feature `tls`) |
//! | `signal` | the signals that end a program |
//! | `reload` | the signal to read files again |
//! | `exit` | the exit codes of programs |

#![warn(missing_docs)]

mod accept;
#[cfg(feature = "addresses")]
mod addresses;
mod afterwards;
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
mod request_body;
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
    afterwards::Afterwards,
    exit::Exit,
    limits::Limits,
    listen::{Listen, ListenError},
    reload::{ReloadSignals, Settled},
    request_body::RequestBody,
    serve::{serve, serve_with},
    signal::{EndSignals, FirstSignal, SecondSignal, Signal, end_signal},
    socket::{UpgradedSocket, take_socket},
    socket_places::{NoPlace, SocketCounts, SocketLimits, SocketPlace, SocketPlaces},
    stream::Security,
};
