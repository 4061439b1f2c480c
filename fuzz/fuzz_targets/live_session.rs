#![no_main]

use libfuzzer_sys::fuzz_target;

// frames are separated by newlines, so that sequences of them are tried
fuzz_target!(|data: &[u8]| mmbot_fuzz::live_session(data));
