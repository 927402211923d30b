//! The client of the data plane's REST API.
//!
//! ```no_run
//! # #[cfg(feature = "rest")]
//! # async fn example(service: signalr_serverless::ConnectionString)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use signalr_serverless::{HubName, rest::{Message, RestClient}};
//!
//! let chat = RestClient::new(&service)?.hub(HubName::parse("chat")?);
//! chat.broadcast(&Message::new("newMessage", &["hello"])?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The client comes with the feature `rest`. The table of [operations](crate::operation) needs no
//! feature, because the service mounts its routes from it.

#[cfg(feature = "rest")]
mod authorization;
#[cfg(feature = "rest")]
mod call;
#[cfg(feature = "rest")]
mod client;
#[cfg(feature = "rest")]
mod client_failure;
#[cfg(feature = "rest")]
mod command;
#[cfg(feature = "rest")]
mod connection;
#[cfg(feature = "rest")]
mod each;
#[cfg(feature = "rest")]
mod endpoints;
#[cfg(feature = "rest")]
pub mod filter;
#[cfg(feature = "rest")]
mod group;
#[cfg(feature = "rest")]
mod group_members;
#[cfg(feature = "rest")]
mod group_page;
#[cfg(feature = "rest")]
mod hub;
#[cfg(feature = "rest")]
mod hub_address;
#[cfg(feature = "rest")]
mod login;
#[cfg(feature = "rest")]
mod message;
#[cfg(feature = "rest")]
mod path;
#[cfg(feature = "rest")]
mod preview;
#[cfg(feature = "rest")]
mod recent_tokens;
#[cfg(feature = "rest")]
mod reply;
#[cfg(feature = "rest")]
mod request;
#[cfg(feature = "rest")]
mod retry;
#[cfg(feature = "rest")]
mod service_url;
#[cfg(feature = "rest")]
mod settings;
#[cfg(feature = "rest")]
mod signing_key;
#[cfg(feature = "rest")]
mod stream;
#[cfg(feature = "rest")]
mod user;

pub use crate::operation::{ApiVersion, Operation, Route, UnknownApiVersion};

#[cfg(feature = "rest")]
pub use self::{
    client::RestClient,
    command::Command,
    connection::Connection,
    each::Each,
    endpoints::{Endpoint, EndpointResult, EndpointRole, Endpoints},
    filter::Filter,
    group::Group,
    group_page::{Continuation, GroupMember, GroupPage, PageSize},
    hub::Hub,
    login::{Login, LoginRenewal},
    message::Message,
    preview::RequestPreview,
    retry::RetryPolicy,
    signing_key::SigningKey,
    stream::ClientStream,
    user::User,
};
#[cfg(feature = "rest")]
pub use signalr_http_client::{SetupError, Trust, TrustError, client as http_client};
