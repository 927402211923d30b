//! What a program asks of its connection.

use tokio::sync::{mpsc, oneshot};

use crate::{encoding::Protocol, error::CallError, payload::Payload, protocol::Outcome};

/// Anyone who waits for the end of the connection, if anybody does.
pub(crate) type Waiter = Option<oneshot::Sender<()>>;

/// A connection as calls need it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) protocol: Protocol,
}

/// What a program asks of its connection, at the connection's end.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) calls: mpsc::Receiver<Command>,
    /// Apart, so that a goodbye gets past calls that cannot be sent. Ends with the last program.
    pub(crate) closes: mpsc::Receiver<oneshot::Sender<()>>,
}

/// How the answer to a call comes back.
pub(crate) type Answered = Result<Option<Payload>, CallError>;

#[derive(Debug)]
pub(crate) enum Command {
    Call(CallCommand),
    /// An item of a stream to the server.
    Item {
        id: String,
        item: Payload,
    },
    /// The end of a stream to the server.
    EndUpload {
        id: String,
        outcome: Outcome,
    },
    /// The program wants no more of a call or a stream.
    Cancel {
        id: String,
    },
}

#[derive(Debug)]
pub(crate) struct CallCommand {
    pub(crate) target: String,
    pub(crate) arguments: Payload,
    /// How many streams the client sends with the call.
    pub(crate) uploads: usize,
    pub(crate) reply: Reply,
    /// Gets the ids once the call is queued to be sent.
    pub(crate) started: oneshot::Sender<Result<Started, CallError>>,
}

/// Where the answer to a call goes.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The server is asked for none.
    None,
    Result(oneshot::Sender<Answered>),
    Stream(mpsc::Sender<Result<Payload, CallError>>),
}

/// A call on its way.
#[derive(Debug, Default)]
pub(crate) struct Started {
    pub(crate) id: Option<String>,
    pub(crate) upload_ids: Vec<String>,
}
