//! All messages, by their numbers.

use bytes::Bytes;

use crate::{
    ack::{Ack, GroupMemberQuery},
    client_connection::{
        CloseConnection, ConnectionData, ConnectionFlowControl, ConnectionReconnect, OpenConnection,
    },
    closing::{
        CloseConnectionWithAck, CloseConnectionsWithAck, CloseGroupConnectionsWithAck,
        CloseUserConnectionsWithAck,
    },
    credential::{AccessKeyRequest, AccessKeyResponse},
    data::{
        BroadcastData, GroupBroadcastData, MultiConnectionData, MultiGroupBroadcastData,
        MultiUserData, UserData,
    },
    decode_error::DecodeError,
    existence::{
        CheckConnectionExistenceWithAck, CheckGroupExistenceWithAck, CheckUserExistenceWithAck,
        CheckUserInGroupWithAck,
    },
    frame::{TooLong, put_length},
    group::{JoinGroup, JoinGroupWithAck, LeaveGroup, LeaveGroupWithAck},
    handshake::{HandshakeRequest, HandshakeResponse},
    invocation::{ClientCompletion, ClientInvocation, ErrorCompletion, ServiceMapping},
    items::Items,
    ping::Ping,
    refresh::{GetConnectionClaims, RefreshAuth, UpdateConnectionClaims},
    service_event::{ServiceError, ServiceEvent},
    user_group::{UserJoinGroup, UserJoinGroupWithAck, UserLeaveGroup, UserLeaveGroupWithAck},
    writer::Writer,
};

macro_rules! messages {
    ($($name:ident,)*) => {
        /// A message of either side.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the type of the same name says what each is")]
        pub enum Message {
            $($name($name),)*
        }

        impl Message {
            /// The name of its type.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            fn read(number: u64, items: &mut Items) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match number {
                    $($name::NUMBER => {
                        items.name(stringify!($name));
                        Self::$name($name::read(items)?)
                    })*
                    _ => return Ok(None),
                }))
            }

            fn write(&self, writer: &mut Writer) {
                match self {
                    $(Self::$name(message) => message.write(writer),)*
                }
            }
        }

        $(impl From<$name> for Message {
            fn from(message: $name) -> Self {
                Self::$name(message)
            }
        })*
    };
}

messages! {
    HandshakeRequest,
    HandshakeResponse,
    Ping,
    OpenConnection,
    CloseConnection,
    ConnectionData,
    MultiConnectionData,
    UserData,
    MultiUserData,
    BroadcastData,
    JoinGroup,
    LeaveGroup,
    GroupBroadcastData,
    MultiGroupBroadcastData,
    ServiceError,
    UserJoinGroup,
    UserLeaveGroup,
    JoinGroupWithAck,
    LeaveGroupWithAck,
    Ack,
    CheckUserInGroupWithAck,
    ServiceEvent,
    CheckGroupExistenceWithAck,
    CheckConnectionExistenceWithAck,
    CheckUserExistenceWithAck,
    UserJoinGroupWithAck,
    UserLeaveGroupWithAck,
    AccessKeyRequest,
    AccessKeyResponse,
    CloseConnectionWithAck,
    CloseConnectionsWithAck,
    CloseUserConnectionsWithAck,
    CloseGroupConnectionsWithAck,
    ClientInvocation,
    ClientCompletion,
    ErrorCompletion,
    ServiceMapping,
    ConnectionReconnect,
    ConnectionFlowControl,
    GroupMemberQuery,
    RefreshAuth,
    GetConnectionClaims,
    UpdateConnectionClaims,
}

/// Reads a message without its length, as [`split`](crate::split) returns it. `None` if the number
/// belongs to no message here. Ignore such a message.
///
/// Payloads share the memory of `message`.
pub fn decode(message: Bytes) -> Result<Option<Message>, DecodeError> {
    let mut items = Items::of_message(message)?;
    items.next("number")?;
    let number = items.unsigned("number")?;
    Message::read(number, &mut items)
}

impl Message {
    /// Appends the message with its length to `out`. If the message is too long, `out` does not
    /// change.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let start = out.len();
        let mut writer = Writer::behind(std::mem::take(out));
        self.write(&mut writer);
        *out = writer.into_bytes();
        put_length(out, start)
    }
}
