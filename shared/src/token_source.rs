//! The source of Microsoft Entra tokens, if there is no access key: Azure's credentials or your own source.

use std::{error::Error as StdError, fmt, pin::Pin, sync::Arc};

use crate::{causes::with_causes, token::Token};

/// The scope of the requested token. Source: Azure's documentation of the service.
const SCOPE: &str = "https://signalr.azure.com/.default";

/// A token that a [`TokenSource`] fetches. The trait has an example.
pub type PendingToken<'a> =
    Pin<Box<dyn Future<Output = Result<Token, Box<dyn StdError + Send + Sync>>> + Send + 'a>>;

/// A source of Microsoft Entra tokens.
///
/// The SDK asks the source before each call of the service. The source should keep a token while it is valid.
/// Azure's own credentials (`Arc<dyn azure_core::credentials::TokenCredential>`) do this, and they are sources.
///
/// ```
/// use signalr_serverless::{ConnectionString, PendingToken, Token, TokenSource};
///
/// struct Fixed(String);
///
/// impl TokenSource for Fixed {
///     fn token<'a>(&'a self, _scope: &'a str) -> PendingToken<'a> {
///         Box::pin(async { Ok(Token::parse(&self.0)?) })
///     }
/// }
///
/// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AuthType=azure")?
///     .with_token_source(Fixed("a.b.c".to_owned()));
/// # Ok::<(), signalr_serverless::ConnectionStringError>(())
/// ```
pub trait TokenSource: Send + Sync {
    /// A token for this scope, such as `https://signalr.azure.com/.default`.
    ///
    /// The caller sees the text of an error, so the text must contain no secret.
    fn token<'a>(&'a self, scope: &'a str) -> PendingToken<'a>;
}

/// A source of tokens that several owners share. It is equal only to its clones. [`TokenSource`] has an
/// example.
#[derive(Clone)]
pub struct SharedTokenSource(Arc<dyn TokenSource>);

impl SharedTokenSource {
    pub(crate) fn new(source: impl TokenSource + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// A token for calls of the service, or a one-line text that says what is wrong.
    pub(crate) async fn token(&self) -> Result<Token, String> {
        self.0.token(SCOPE).await.map_err(|error| with_causes(&*error))
    }
}

impl fmt::Debug for SharedTokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedTokenSource(_)")
    }
}

impl PartialEq for SharedTokenSource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SharedTokenSource {}
