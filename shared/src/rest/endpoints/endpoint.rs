//! One of several services: its name and its role.

use crate::{connection_string::ConnectionString, error::Error};

/// One of several services that serve the same hubs.
///
/// ```
/// use signalr_serverless::{ConnectionString, rest::Endpoint};
///
/// let service = ConnectionString::parse("Endpoint=https://east.example.com;AccessKey=k")?;
/// let endpoint = Endpoint::new("east", service).with_weight(3);
/// # Ok::<(), signalr_serverless::ConnectionStringError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) name: String,
    pub(super) service: ConnectionString,
    pub(super) role: EndpointRole,
    pub(super) weight: u32,
}

/// The role of an endpoint. [`Endpoint`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointRole {
    /// The endpoint takes clients.
    Primary,
    /// The endpoint takes clients if no primary does.
    Secondary,
}

impl Endpoint {
    /// Makes a primary endpoint of weight 1.
    #[must_use]
    pub fn new(name: impl Into<String>, service: ConnectionString) -> Self {
        Self { name: name.into(), service, role: EndpointRole::Primary, weight: 1 }
    }

    /// Makes the endpoint secondary: it takes clients only if no primary does.
    #[must_use]
    pub fn as_secondary(mut self) -> Self {
        self.role = EndpointRole::Secondary;
        self
    }

    /// Sets the share of clients among the endpoints of the same role. An endpoint of weight 2
    /// takes twice as many as one of weight 1. An endpoint of weight 0 takes no new clients and
    /// still gets sends.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

/// Checks a name. Names distinguish endpoints in results and errors.
pub(super) fn check_name<'a>(
    name: &str,
    mut others: impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    let problem = match name {
        "" => "is empty".to_owned(),
        _ if others.any(|other| other == name) => format!("'{name}' is given twice"),
        _ => return Ok(()),
    };
    Err(Error::InvalidValue {
        what: "endpoint name",
        problem,
        remedy: "give each endpoint a name of its own",
    })
}

pub(super) fn check_roles(mut roles: impl Iterator<Item = EndpointRole>) -> Result<(), Error> {
    if roles.any(|role| role == EndpointRole::Primary) {
        return Ok(());
    }
    Err(Error::InvalidValue {
        what: "list of endpoints",
        problem: "has no primary".to_owned(),
        remedy: "give at least one endpoint that is not secondary",
    })
}
