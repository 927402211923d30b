//! A WebSocket after its upgrade: frames on the plain socket, without the HTTP library.

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
