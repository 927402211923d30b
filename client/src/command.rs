//! The commands of a program to its connection.

use tokio::sync::{mpsc, oneshot};

use crate::{encoding::Protocol, error::CallError, payload::Payload, protocol::Outcome};

/// The caller that waits for the end of the connection, if there is one.
pub(crate) type Waiter = Option<oneshot::Sender<()>>;

/// The part of a connection that calls need.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) protocol: Protocol,
}

/// The receiving end of the program's commands.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) calls: mpsc::Receiver<Command>,
    /// A separate channel, so that a goodbye does not wait behind calls that cannot be sent. It
    /// ends with the last sender.
    pub(crate) closes: mpsc::Receiver<oneshot::Sender<()>>,
}

/// The answer to a call.
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
    /// Gets the ids when the call is in the queue.
    pub(crate) started: oneshot::Sender<Result<Started, CallError>>,
}

/// The receiver of the answer to a call.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The call asks for no answer.
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
