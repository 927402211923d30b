//! SDK for the Azure SignalR Service data plane.

mod name;
pub mod rest;

pub use name::{ApplicationName, ConnectionId, GroupName, HubName, NameError, UserId};
