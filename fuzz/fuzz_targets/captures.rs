#![no_main]

use libfuzzer_sys::fuzz_target;
use mmbot_feed::capture::Format;

fuzz_target!(|data: &[u8]| {
    for format in Format::all() {
        mmbot_fuzz::capture(format, data);
    }
    let _ = Format::detect(data);
});
