//! Why a token does not let its bearer in.

/// Why a token does not let its bearer in. No text holds the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the token is at fault, or nobody can say")]
pub enum Rejection {
    /// The token is not good.
    #[error("{0}")]
    Token(String),
    /// The issuer's keys are not to be had now.
    #[error("{0}")]
    Keys(String),
}
