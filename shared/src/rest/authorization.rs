//! The authorization of calls.

#[cfg(feature = "entra")]
use std::env;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use url::{Position, Url};

use crate::{
    access_key::AccessKey, connection_string::ConnectionString, credential::Credential,
    error::Error, token::Token,
};
#[cfg(feature = "entra")]
use crate::{entra::identity, token_source::SharedTokenSource};

/// The source of the tokens of calls.
#[derive(Clone, Debug)]
pub(super) enum Authorization {
    /// Tokens are signed here.
    AccessKey(AccessKey),
    /// Microsoft Entra issues the tokens.
    #[cfg(feature = "entra")]
    Entra(SharedTokenSource),
}

impl Authorization {
    #[cfg_attr(not(feature = "entra"), expect(unused_variables, reason = "only Entra has calls"))]
    pub(super) fn new(service: &ConnectionString, http: &reqwest::Client) -> Result<Self, Error> {
        match service.credential() {
            Credential::AccessKey(key) => Ok(Self::AccessKey(key.clone())),
            #[cfg(feature = "entra")]
            Credential::Entra(identity) => {
                let environment = |name: &str| env::var(name).ok();
                identity::token_source(identity, http, environment).map(Self::Entra)
            }
            #[cfg(not(feature = "entra"))]
            Credential::Entra(_) => Err(Error::EntraNotSupported),
        }
    }

    /// `Bearer` and a token for this URL.
    ///
    /// Each call signs its own token. Signing takes microseconds, a call takes a thousand times
    /// longer, and a store of tokens would grow with every user and group. A token of Microsoft
    /// Entra is valid for every URL, and its source keeps it.
    #[cfg_attr(
        not(feature = "entra"),
        expect(unused_variables, clippy::unused_async, reason = "only Entra takes time")
    )]
    pub(super) async fn bearer(&self, url: &Url, limit: Duration) -> Result<HeaderValue, Error> {
        const LIFETIME: Duration = Duration::from_secs(3600);

        let token = match self {
            Self::AccessKey(key) => {
                let audience = url[..Position::AfterPath].trim_end_matches('/');
                Token::rest(key, audience, LIFETIME, SystemTime::now())?
            }
            #[cfg(feature = "entra")]
            Self::Entra(source) => tokio::time::timeout(limit, source.token())
                .await
                .unwrap_or_else(|_| Err(format!("it did not come within {limit:?}")))
                .map_err(|problem| Error::EntraToken { problem })?,
        };
        #[expect(clippy::expect_used, reason = "a token has letters, digits and -._~+/= only")]
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.as_str()))
            .expect("a token fits a header");
        value.set_sensitive(true);
        Ok(value)
    }
}
