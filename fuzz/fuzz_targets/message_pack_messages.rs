#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signalr_service::fuzz::message_pack_messages(data));
