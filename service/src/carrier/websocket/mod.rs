//! A WebSocket after its upgrade: frames on the bare socket.

mod decoder;
pub(crate) mod frame;
mod socket;
mod stream;

#[cfg(fuzzing)]
pub(crate) use self::socket::decode;
pub(crate) use self::{
    socket::{Progress, WebSocket},
    stream::Stream,
};
