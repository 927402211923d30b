//! One of several services: what it is called and what part it plays.

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

/// The part that an endpoint plays. [`Endpoint`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointRole {
    /// It takes clients.
    Primary,
    /// It takes clients if no primary does.
    Secondary,
}

impl Endpoint {
    /// A primary of the weight 1.
    #[must_use]
    pub fn new(name: impl Into<String>, service: ConnectionString) -> Self {
        Self { name: name.into(), service, role: EndpointRole::Primary, weight: 1 }
    }

    /// Takes clients only if no primary does.
    #[must_use]
    pub fn as_secondary(mut self) -> Self {
        self.role = EndpointRole::Secondary;
        self
    }

    /// How many clients it takes beside the others of its role: one of weight 2 takes twice as many
    /// as one of weight 1. One of weight 0 takes no new clients, and still gets sends.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

/// Names tell endpoints apart in results and errors.
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
        remedy: "give at least one endpoint that is no secondary",
    })
}
