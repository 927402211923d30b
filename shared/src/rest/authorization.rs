//! The authorization of calls.

#[cfg(feature = "entra")]
use std::env;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use url::{Position, Url};

#[cfg(feature = "entra")]
use super::recent_tokens;
use super::recent_tokens::RecentTokens;
use crate::{connection_string::ConnectionString, credential::Credential, error::Error};
#[cfg(feature = "entra")]
use crate::{entra::identity, token_source::SharedTokenSource};

/// The source of the tokens of calls.
#[derive(Clone, Debug)]
pub(super) enum Authorization {
    /// Tokens are signed here.
    AccessKey(RecentTokens),
    /// Microsoft Entra issues the tokens.
    #[cfg(feature = "entra")]
    Entra(SharedTokenSource),
}

impl Authorization {
    #[cfg_attr(not(feature = "entra"), expect(unused_variables, reason = "only Entra has calls"))]
    pub(super) fn new(service: &ConnectionString, http: &reqwest::Client) -> Result<Self, Error> {
        match service.credential() {
            Credential::AccessKey(key) => Ok(Self::AccessKey(RecentTokens::new(key.clone()))),
            #[cfg(feature = "entra")]
            Credential::Entra(identity) => {
                let environment = |name: &str| env::var(name).ok();
                identity::token_source(identity, http, environment).map(Self::Entra)
            }
            #[cfg(not(feature = "entra"))]
            Credential::Entra(_) => Err(Error::EntraNotSupported),
        }
    }

    /// `Bearer` and a token for this URL. A token of Microsoft Entra is valid for every URL, and its
    /// source keeps it.
    #[cfg_attr(
        not(feature = "entra"),
        expect(unused_variables, clippy::unused_async, reason = "only Entra takes time")
    )]
    pub(super) async fn bearer(&self, url: &Url, limit: Duration) -> Result<HeaderValue, Error> {
        match self {
            Self::AccessKey(tokens) => {
                let audience = url[..Position::AfterPath].trim_end_matches('/');
                tokens.bearer(audience, SystemTime::now())
            }
            #[cfg(feature = "entra")]
            Self::Entra(source) => tokio::time::timeout(limit, source.token())
                .await
                .unwrap_or_else(|_| Err(format!("it did not come within {limit:?}")))
                .map(|token| recent_tokens::bearer(&token))
                .map_err(|problem| Error::EntraToken { problem }),
        }
    }
}
