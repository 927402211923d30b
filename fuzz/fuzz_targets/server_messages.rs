#![no_main]

use bytes::{Bytes, BytesMut};
use signalr_server_protocol::{ConnectionClaims, GroupMembers, decode, split};

// Messages of server connections, whole or as payloads of acks. What reads is written so that it
// reads the same.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = GroupMembers::decode(Bytes::copy_from_slice(data));
    let _ = ConnectionClaims::decode(Bytes::copy_from_slice(data));
    let mut received = BytesMut::from(data);
    while let Ok(Some(body)) = split(&mut received, data.len()) {
        let Ok(Some(message)) = decode(body) else { continue };
        let mut written = Vec::new();
        assert_eq!(message.encode(&mut written), Ok(()));
        let again = split(&mut BytesMut::from(&written[..]), written.len());
        let again = again.ok().flatten().map(decode);
        assert_eq!(again, Some(Ok(Some(message))));
    }
});
