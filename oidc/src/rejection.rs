//! Why a token is rejected.

/// Why a token is rejected. No text contains the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the token is at fault, or nobody can say")]
pub enum Rejection {
    /// The token is not good.
    #[error("{0}")]
    Token(String),
    /// The issuer's keys are not available now.
    #[error("{0}")]
    Keys(String),
}
