//! The flags for the service's own TLS.

use clap::Args;
use signalr_http_server::ReloadSignals;
use signalr_service::Tls;

use crate::failure::Failure;

/// The flags of `signalr serve` that put TLS on its ports.
#[derive(Args, Debug)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsFlags {
    /// PEM file with the server's certificate, followed by the intermediate certificates; changes are
    /// followed
    #[arg(long, value_name = "FILE", env = "SIGNALR_TLS_CERT")]
    tls_cert: Option<String>,

    /// PEM file with the certificate's key, not encrypted; changes are followed
    #[arg(long, value_name = "FILE", env = "SIGNALR_TLS_KEY")]
    tls_key: Option<String>,
}

impl TlsFlags {
    /// The certificate, if the flags ask for TLS. An empty variable counts as unset.
    pub(crate) fn read(&self) -> Result<Option<Tls>, Failure> {
        let named = |flag: &Option<String>| flag.clone().filter(|file| !file.is_empty());
        match (named(&self.tls_cert), named(&self.tls_key)) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let reload = ReloadSignals::listen()?;
                Tls::watch(certificate.as_ref(), key.as_ref(), reload)
                    .map(Some)
                    .map_err(|error| Failure::configuration(&error))
            }
            (Some(_), None) => Err(Failure::Configuration(
                "--tls-cert came without --tls-key; give the file of the certificate's key"
                    .to_owned(),
            )),
            (None, Some(_)) => Err(Failure::Configuration(
                "--tls-key came without --tls-cert; give the file of the key's certificate"
                    .to_owned(),
            )),
        }
    }
}
