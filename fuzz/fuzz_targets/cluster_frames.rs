#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| signalr_service::fuzz::cluster_frames(data));
