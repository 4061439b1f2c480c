#![no_main]

use libfuzzer_sys::fuzz_target;
use mmbot_feed::capture::Venue;

fuzz_target!(|data: &[u8]| mmbot_fuzz::frame(Venue::Okx, data));
