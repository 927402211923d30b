//! Persistent mode: a server keeps a few connections to the service and sends over them. It has the
//! calls of `signalr_serverless::rest`, without an HTTP request for each call.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use signalr_persistent::{HubConnection, Options};
//! use signalr_serverless::{ConnectionString, GroupName, HubName, rest::Message};
//!
//! let service = ConnectionString::parse("Endpoint=http://localhost;Port=8888;AccessKey=k")?;
//! let chat = HubConnection::connect(&service, HubName::parse("chat")?, Options::default()).await?;
//! let message = Message::new("newMessage", &["hello"])?;
//! chat.broadcast(&message).await?;
//! chat.group(GroupName::parse("readers")?).send(&message).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A send returns when its message is in the queue. The service does not answer it. All other calls wait
//! for the service's answer. A lost connection is opened again. Calls that wait for an answer then fail,
//! written sends may be lost, and later sends wait for the new connection.

#![warn(missing_docs)]

mod answers;
mod client_connection;
mod driver;
mod encoding;
mod error;
mod group;
mod hub;
mod link;
mod options;
mod pool;
mod user;

pub use self::{
    client_connection::ClientConnection, error::Error, group::Group, hub::HubConnection,
    options::Options, user::User,
};
pub use signalr_server_protocol::GroupMember;
