//! The protocol between an app server and Azure SignalR, as both sides speak it over a *server
//! connection*, the WebSocket at `/server/?hub=…`: each message, decoded and encoded.
//!
//! The caller gives the bytes as they are read and gets messages:
//!
//! ```
//! use bytes::BytesMut;
//! use signalr_server_protocol::{Message, Ping, decode, split};
//!
//! // The bytes from the socket so far: a keep-alive, and the beginning of another message.
//! let mut received = BytesMut::from(&b"\x02\x91\x03\x0b\x93"[..]);
//! let limit = 1024 * 1024;
//!
//! let body = split(&mut received, limit)?.expect("the first message is whole");
//! assert_eq!(decode(body)?, Some(Message::Ping(Ping::keep_alive())));
//! assert_eq!(split(&mut received, limit)?, None);
//!
//! let mut to_send = Vec::new();
//! Message::Ping(Ping::keep_alive()).encode(&mut to_send)?;
//! assert_eq!(to_send, b"\x02\x91\x03");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate opens no socket and reads no clock. No input makes it panic. The received bytes bound
//! what it allocates: if a list announces more items than bytes follow, it is refused before
//! anything is allocated.
//!
//! Later versions of the protocol append items to messages, and add messages and extensions. This
//! reader ignores what it does not know, as Microsoft's reader does.

#![warn(missing_docs)]

mod ack;
mod claims;
mod client_connection;
mod closing;
mod credential;
mod data;
mod decode_error;
mod existence;
mod extensions;
mod frame;
mod group;
mod handshake;
mod headers;
mod invocation;
mod item;
mod items;
mod kind;
mod message;
mod message_table;
mod number_table;
mod payloads;
mod ping;
mod refresh;
mod secret;
mod service_event;
mod timestamp;
mod user_group;
mod writer;

pub use ack::{Ack, AckStatus, GroupMember, GroupMemberQuery, GroupMembers};
pub use claims::{Claims, ConnectionClaims};
pub use client_connection::{
    CloseConnection, ConnectionData, ConnectionFlowControl, ConnectionReconnect, FlowControlled,
    FlowOperation, OpenConnection,
};
pub use closing::{
    CloseConnectionWithAck, CloseConnectionsWithAck, CloseGroupConnectionsWithAck,
    CloseUserConnectionsWithAck,
};
pub use credential::{AccessKeyRequest, AccessKeyResponse};
pub use data::{
    BroadcastData, GroupBroadcastData, MultiConnectionData, MultiGroupBroadcastData, MultiUserData,
    UserData,
};
pub use decode_error::DecodeError;
pub use existence::{
    CheckConnectionExistenceWithAck, CheckGroupExistenceWithAck, CheckUserExistenceWithAck,
    CheckUserInGroupWithAck,
};
pub use extensions::{DataType, Extensions};
pub use frame::{FrameError, TooLong, split};
pub use group::{JoinGroup, JoinGroupWithAck, LeaveGroup, LeaveGroupWithAck};
pub use handshake::{ConnectionKind, HandshakeRequest, HandshakeResponse, MigrationLevel, VERSION};
pub use headers::Headers;
pub use invocation::{ClientCompletion, ClientInvocation, ErrorCompletion, ServiceMapping};
pub use message::{Message, decode};
pub use payloads::Payloads;
pub use ping::Ping;
pub use refresh::{GetConnectionClaims, RefreshAuth, UpdateConnectionClaims};
pub use secret::Secret;
pub use service_event::{ServiceError, ServiceEvent, ServiceEventKind, ServiceObject};
pub use timestamp::Timestamp;
pub use user_group::{UserJoinGroup, UserJoinGroupWithAck, UserLeaveGroup, UserLeaveGroupWithAck};
