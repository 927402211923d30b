//! SDK for the Azure SignalR Service data plane.

mod connection_string;
mod credential;
mod error;
mod name;
mod negotiate;
pub mod rest;
pub mod token;

pub use connection_string::{ConnectionString, ConnectionStringError};
pub use credential::{
    AccessKey, ApplicationProof, ClientSecret, Credential, EmptyAccessKey, EntraIdentity,
};
pub use error::{Error, Fault, Refusal};
pub use name::{ApplicationName, ConnectionId, GroupName, HubName, NameError, UserId};
pub use negotiate::{NegotiateAnswer, Negotiator};
pub use token::{NegotiateOptions, Token, claim};
