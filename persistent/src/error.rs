//! The errors of this crate.

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection string has no access key, which signs the token.
    #[error("persistent mode needs a connection string with an AccessKey")]
    NoAccessKey,
    /// The token cannot be made.
    #[error("cannot sign the token: {0}")]
    Token(String),
    /// The service cannot be reached.
    #[error("{host} cannot be reached: {problem}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why not.
        problem: String,
    },
    /// The service refuses this server.
    #[error("the service refuses the connection with status {status}: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The text of the service.
        text: String,
    },
    /// The service refuses the handshake.
    #[error("the service refuses the handshake: {0}")]
    Handshake(String),
    /// The message has no form in JSON or is too long.
    #[error("the message cannot be written: {0}")]
    Message(String),
    /// The connection was lost before the answer came. It is unknown whether the call was done.
    #[error("the connection was lost before the answer came")]
    Lost,
    /// No answer came in time.
    #[error("the service did not answer within {0} seconds")]
    NoAnswer(u64),
    /// The service reports that the call failed.
    #[error("the service answers with status {status}: {text}")]
    Failed {
        /// The status of the ack.
        status: String,
        /// The text of the service.
        text: String,
    },
    /// The client answered an invocation with an error, is gone, or did not answer.
    #[error("the invocation failed: {0}")]
    Invocation(String),
    /// The answer has another form than expected.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
}
