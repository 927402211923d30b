//! SDK for the Azure SignalR Service data plane: connection strings, tokens, negotiate answers and
//! REST calls, for the service itself or anything that speaks like it.
//!
//! ```no_run
//! # #[cfg(feature = "rest")]
//! # async fn example() -> Result<(), signalr_serverless::Error> {
//! use signalr_serverless::{ConnectionString, HubName, NegotiateOptions, Negotiator, UserId};
//! use signalr_serverless::rest::{Message, RestClient};
//!
//! let service = ConnectionString::parse("Endpoint=http://localhost;Port=8888;AccessKey=…;Version=1.0;")?;
//! let chat = HubName::parse("chat")?;
//!
//! // What a client gets when it asks where to connect: {"url":"…","accessToken":"…"}
//! let ann = NegotiateOptions::default().with_user_id(UserId::parse("ann")?);
//! let now = std::time::SystemTime::now();
//! let answer = Negotiator::new(&service)?.negotiate(&chat, &ann, now).await?;
//!
//! // What every client of the hub gets.
//! RestClient::new(&service)?.hub(chat).broadcast(&Message::new("newMessage", &["hi"])?).await?;
//! # drop(answer);
//! # Ok(())
//! # }
//! ```
//!
//! Without the feature `rest`, which is on by default, there is no HTTP client: enough to answer
//! negotiate requests, and small. With the feature `entra` a Microsoft Entra identity can stand in
//! for the access key. This crate knows no server framework, reads no clock but to sign, no file and
//! no environment but for an identity, and
//! keeps no state beyond a pool of connections and what Microsoft Entra hands out.

#![warn(missing_docs)]

mod access_key;
mod causes;
mod connection_string;
mod credential;
#[cfg(feature = "entra")]
mod entra;
mod error;
pub mod error_code;
mod name;
mod negotiate;
pub mod operation;
mod redacted;
pub mod rest;
pub mod token;
#[cfg(feature = "entra")]
mod token_source;
#[cfg(feature = "upstream")]
pub mod upstream;

pub use access_key::{AccessKey, EmptyAccessKey};
pub use causes::with_causes;
pub use connection_string::{ConnectionString, ConnectionStringError};
pub use credential::{ApplicationProof, ClientSecret, Credential, EntraIdentity};
pub use error::{Error, Fault, Refusal};
pub use name::{ApplicationName, ConnectionId, GroupName, HubName, NameError, StreamId, UserId};
pub use negotiate::{NegotiateAnswer, Negotiator};
pub use token::{NegotiateOptions, Token, claim};
#[cfg(feature = "entra")]
pub use token_source::{PendingToken, SharedTokenSource, TokenSource};
