//! SDK for the data plane of the Azure SignalR Service: connection strings, tokens, negotiate answers and REST
//! calls. It works with every service that speaks this data plane.
//!
//! # Answer negotiate
//!
//! A client asks your back end for the place to connect to. The answer is the URL of the service and a token
//! that names the user. An access key signs the token without a network call.
//!
//! ```
//! use std::time::SystemTime;
//! use signalr_serverless::{ConnectionString, HubName, NegotiateOptions, Negotiator, UserId};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let service =
//!         ConnectionString::parse("Endpoint=https://x.service.signalr.net;AccessKey=key;Version=1.0;")?;
//!     let ann = NegotiateOptions::default().with_user_id(UserId::parse("ann")?);
//!     let chat = HubName::parse("chat")?;
//!     let answer = Negotiator::new(&service)?.negotiate(&chat, &ann, SystemTime::now()).await?;
//!     // The client expects it as {"url":"…","accessToken":"…"}.
//!     assert_eq!(answer.url, "https://x.service.signalr.net/client/?hub=chat");
//!     Ok(())
//! }
//! ```
//!
//! # Send messages
//!
//! ```no_run
//! # #[cfg(not(feature = "rest"))]
//! # fn main() {}
//! # #[cfg(feature = "rest")]
//! # mod with_rest {
//! use signalr_serverless::{ConnectionString, GroupName, HubName, UserId};
//! use signalr_serverless::rest::{Message, RestClient};
//!
//! #[tokio::main(flavor = "current_thread")]
//! # pub
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let service =
//!         ConnectionString::parse("Endpoint=http://localhost;Port=8888;AccessKey=key;Version=1.0;")?;
//!     let chat = RestClient::new(&service)?.hub(HubName::parse("chat")?);
//!     let message = Message::new("newMessage", &["hello"])?;
//!     chat.broadcast(&message).await?;
//!     chat.user(UserId::parse("ann")?).send(&message).await?;
//!     chat.group(GroupName::parse("team")?).send(&message).await?;
//!     Ok(())
//! }
//! # }
//! # #[cfg(feature = "rest")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { with_rest::main() }
//! ```
//!
//! # Handle errors
//!
//! Names are types that hold only good values, so most mistakes appear before a call. [`Error::fault`] says who
//! can correct an error. A [`Refusal`] has the status and the [code](error_code) of the service.
//!
//! ```no_run
//! # #[cfg(not(feature = "rest"))]
//! # fn main() {}
//! # #[cfg(feature = "rest")]
//! # mod with_rest {
//! use signalr_serverless::{ConnectionId, ConnectionString, Error, Fault, HubName, error_code};
//! use signalr_serverless::rest::{Message, RestClient};
//!
//! #[tokio::main(flavor = "current_thread")]
//! # pub
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let service =
//!         ConnectionString::parse("Endpoint=http://localhost;Port=8888;AccessKey=key;Version=1.0;")?;
//!     let chat = RestClient::new(&service)?.hub(HubName::parse("chat")?);
//!     let connection = chat.connection(ConnectionId::parse("a-connection")?);
//!     match connection.send(&Message::new("newMessage", &["hello"])?).await {
//!         Ok(()) => println!("the service accepted the message"),
//!         Err(Error::Refused(refusal)) if refusal.has_code(error_code::TOO_MANY_REQUESTS) => {
//!             println!("try again after {:?}", refusal.retry_after);
//!         }
//!         Err(error) if error.fault() == Fault::Network => println!("no network: {error}"),
//!         Err(error) => return Err(error.into()),
//!     }
//!     Ok(())
//! }
//! # }
//! # #[cfg(feature = "rest")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { with_rest::main() }
//! ```
//!
//! # Where to look
//!
//! | you want to | see |
//! |---|---|
//! | answer negotiate | [`Negotiator`], [`NegotiateOptions`], [`claim`] |
//! | send, close, change groups, ask for state | [`rest`] |
//! | receive what clients do | [`upstream`] |
//! | know each operation, its path and its status | [`operation`] |
//! | use a Microsoft Entra identity | [`Credential`], [`TokenSource`] |
//!
//! # Features
//!
//! - `rest`, on by default: the HTTP client for the REST calls. Without it the crate is small and answers negotiate.
//! - `entra`: a Microsoft Entra identity instead of an access key.
//! - `upstream`: the wire format of upstream calls.
//!
//! The crate uses no server framework. It reads the clock only to sign. It reads files and the environment only for
//! an identity. It keeps a pool of connections and the tokens and keys of a Microsoft Entra identity, and no other
//! state.

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
