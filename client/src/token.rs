//! The source of a connection's token.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

type Source = dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync;

/// A client's token or its source. It is a secret and is never printed.
#[derive(Clone, Default)]
pub(crate) enum Token {
    #[default]
    None,
    Fixed(Arc<str>),
    /// A function that is called each time that a connection is made.
    From(Arc<Source>),
}

impl Token {
    pub(crate) async fn current(&self) -> Result<Option<String>, String> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(token) => Ok(Some(token.as_ref().to_owned())),
            Self::From(source) => source().await.map(Some),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed(_)",
            Self::From(_) => "From(_)",
        })
    }
}
