//! Answers of the service, by the ids that the app gave.

use bytes::Bytes;

use crate::{
    decode_error::DecodeError,
    extensions::Extensions,
    item::{binary_or_absent, integer, integer_or_absent, text, text_nil_is_empty, text_or_absent},
    items::Items,
    message_table::message,
    writer::Writer,
};

message! {
    /// The answer to a message that has an ack id.
    Ack = 20 {
        /// The id that the app gave.
        ack_id: i32 => integer,
        /// The result.
        status: AckStatus => AckStatus,
        /// Further details.
        message: String => text_nil_is_empty,
        /// The extensions.
        extensions: Extensions => Extensions,
        /// The requested data, if the answer has more than a status: [`GroupMembers`] or
        /// [`ConnectionClaims`](crate::ConnectionClaims).
        payload: Option<Bytes> => binary_or_absent,
    }
}

/// The result of a message that has an ack id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckStatus {
    /// The call is done, or the answer is yes.
    Ok,
    /// The thing does not exist, or the answer is no.
    NotFound,
    /// The call took too long.
    Timeout,
    /// The service failed.
    InternalServerError,
    /// The app may not do this.
    Forbidden,
    /// A status of a later version, which is a failure.
    Other(i32),
}

impl AckStatus {
    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        Ok(match integer::read(items, item)? {
            1 => Self::Ok,
            2 => Self::NotFound,
            3 => Self::Timeout,
            4 => Self::InternalServerError,
            5 => Self::Forbidden,
            other => Self::Other(other),
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.integer(match self {
            Self::Ok => 1,
            Self::NotFound => 2,
            Self::Timeout => 3,
            Self::InternalServerError => 4,
            Self::Forbidden => 5,
            Self::Other(other) => *other,
        });
    }
}

message! {
    /// Asks for the connections in a group. The payload of the ack is [`GroupMembers`].
    GroupMemberQuery = 40 {
        /// The extensions, which come first here.
        extensions: Extensions => Extensions,
        /// The group's name.
        group: String => text,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The most members that the app still wants.
        top: Option<i32> => integer_or_absent,
        /// The place where the page before this one ended.
        continuation: Option<String> => text_or_absent,
        /// The most members of this page.
        page_size: Option<i32> => integer_or_absent,
    }
}

/// A page of the members of a group, the payload of an [`Ack`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMembers {
    /// The members of this page.
    pub members: Vec<GroupMember>,
    /// The value that the next query must send to get the next page; nil if there is none.
    pub continuation: Option<String>,
}

/// A connection in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Its connection id.
    pub connection_id: String,
    /// The id of its user, if it has one.
    pub user_id: Option<String>,
}

impl GroupMembers {
    /// Reads the payload of an ack.
    pub fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        let mut items = Items::of_value("GroupMembers", payload);
        items.list_of("the whole", 2)?;
        let length = items.array_length("members")?;
        let mut members = Vec::with_capacity(items.room_for("members", length, 3)?);
        for _ in 0..length {
            members.push(GroupMember::read(&mut items)?);
        }
        Ok(Self { members, continuation: items.text_or_nil("continuation")? })
    }

    /// Writes the payload of an ack.
    pub fn encode(&self) -> Bytes {
        let mut writer = Writer::behind(Vec::new());
        writer.array(2);
        writer.array(self.members.len());
        for member in &self.members {
            writer.array(2);
            writer.text(&member.connection_id);
            writer.text_or_nil(member.user_id.as_deref());
        }
        writer.text_or_nil(self.continuation.as_deref());
        writer.into_bytes().into()
    }
}

impl GroupMember {
    fn read(items: &mut Items) -> Result<Self, DecodeError> {
        let length = items.list_of("members", 2)?;
        let connection_id = items.text("members")?;
        let user_id = items.text_or_nil("members")?;
        for _ in 2..length {
            items.skip("members")?;
        }
        Ok(Self { connection_id, user_id })
    }
}
