//! The wire format of upstream calls: how a service reports to an HTTP function what a client did,
//! and how the function answers.
//!
//! The service sends one POST for each event. Headers say who the client is and what happened. If
//! the client called a method, the body is the client's message without its frame. The answer is a
//! completion in the frame of the client's hub protocol.
//!
//! | file | concern |
//! |---|---|
//! | `header` | the names of the headers |
//! | `category` | the kinds of events |
//! | `claims` | the claims of a client, in one header |
//! | `signature` | the proof that the call is from the service |
//! | `encoding` | the two encodings of bodies, and completions in them |
//!
//! ```
//! use signalr_serverless::{AccessKey, ConnectionId, upstream::SignatureKeys};
//!
//! // A function checks that the service sent the call.
//! let mut keys = SignatureKeys::default();
//! keys.add(&AccessKey::parse("key")?);
//! let connection = ConnectionId::parse("a-connection")?;
//! let mut headers = http::HeaderMap::new();
//! headers.insert("x-asrs-signature", keys.sign(&connection).parse()?);
//! assert!(keys.have_signed(&connection, &headers));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sources: Microsoft's documentation of [upstream
//! endpoints](https://learn.microsoft.com/azure/azure-signalr/concept-upstream), its asrs-emulator,
//! and the SignalR binding of Azure Functions. Completions and their frames: the specification of
//! the SignalR hub protocol.

mod category;
pub mod claims;
mod encoding;
pub mod header;
mod signature;

pub use self::{
    category::Category,
    encoding::{COMPLETION, Encoding, INVOCATION, RECORD_SEPARATOR, length_prefix},
    signature::SignatureKeys,
};
