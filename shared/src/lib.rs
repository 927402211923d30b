//! SDK for the Azure SignalR Service data plane.

mod connection_string;
mod credential;
mod error;
mod name;
pub mod rest;

pub use connection_string::{ConnectionString, ConnectionStringError};
pub use credential::{
    AccessKey, ApplicationProof, ClientSecret, Credential, EmptyAccessKey, EntraIdentity,
};
pub use error::{Error, Fault, Refusal};
pub use name::{ApplicationName, ConnectionId, GroupName, HubName, NameError, UserId};
