#![no_main]

use libfuzzer_sys::fuzz_target;
use mmbot_feed::capture::Format;

fuzz_target!(|data: &[u8]| mmbot_fuzz::capture(Format::TardisTrades, data));
