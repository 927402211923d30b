//! The flag for the authorities that vouch for HTTPS servers.

use clap::Args;
use signalr_http_client::{Trust, TrustError};

/// The flag of every command that calls others.
#[derive(Args, Clone, Debug)]
pub(crate) struct TrustFlag {
    /// PEM file of the authorities to trust for HTTPS servers, instead of the public ones
    #[arg(long, value_name = "FILE", env = "SSL_CERT_FILE", value_parser = trust)]
    trust: Option<Trust>,
}

impl TrustFlag {
    pub(crate) fn authorities(&self) -> Trust {
        self.trust.clone().unwrap_or_default()
    }
}

/// An empty variable counts as unset.
fn trust(file: &str) -> Result<Trust, TrustError> {
    match file {
        "" => Ok(Trust::default()),
        file => Trust::from_file(file.as_ref()),
    }
}
