//! Joins messages for the same connections into one write.

use std::{cell::OnceCell, sync::Arc};

use bytes::{Bytes, BytesMut};

use crate::{
    carrier::{ByEncoding, Encoding},
    hub::message::Message,
};

/// Messages are joined into one write up to this many bytes.
const JOINED_BYTES: usize = 64 * 1024;

/// Messages for the same connections. They are joined once for each encoding, when the encoding is
/// needed first.
pub(super) struct Batch<'a> {
    messages: Vec<&'a Arc<Message>>,
    frames: ByEncoding<OnceCell<Vec<JoinedFrame>>>,
}

/// Messages as they are sent in one write.
#[derive(Debug)]
pub(super) struct JoinedFrame {
    pub(super) bytes: Bytes,
    pub(super) messages: u32,
}

impl<'a> Batch<'a> {
    pub(super) fn new(messages: impl IntoIterator<Item = &'a Arc<Message>>) -> Self {
        Self { messages: messages.into_iter().collect(), frames: ByEncoding::default() }
    }

    pub(super) fn frames(&self, encoding: Encoding) -> &[JoinedFrame] {
        self.frames.get(encoding).get_or_init(|| self.join(encoding))
    }

    /// The frames of all messages for a client whose protocol only its app knows. They are made
    /// again for each client, because there may be any number of such protocols.
    pub(super) fn of_other(&self, protocol: &str, encoding: Encoding) -> Vec<JoinedFrame> {
        let frames = self.messages.iter().filter_map(|one| one.frame_of_other(protocol, encoding));
        frames.map(|bytes| JoinedFrame { bytes, messages: 1 }).collect()
    }

    /// The frames of all messages in order. Small frames are joined.
    fn join(&self, encoding: Encoding) -> Vec<JoinedFrame> {
        let mut frames = self.messages.iter().filter_map(|one| one.frame(encoding)).peekable();
        let mut joined = Vec::new();
        while let Some(first) = frames.next() {
            let fits = |bytes: usize, next: &&Bytes| bytes + next.len() <= JOINED_BYTES;
            if !frames.peek().is_some_and(|next| fits(first.len(), next)) {
                joined.push(JoinedFrame { bytes: first.clone(), messages: 1 });
                continue;
            }
            let mut together = BytesMut::from(first.as_ref());
            let mut messages = 1;
            while let Some(next) = frames.next_if(|next| fits(together.len(), next)) {
                together.extend_from_slice(next);
                messages += 1;
            }
            joined.push(JoinedFrame { bytes: together.freeze(), messages });
        }
        joined
    }
}
