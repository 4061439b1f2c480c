#![no_main]

use libfuzzer_sys::fuzz_target;
use mmbot_feed::FrameBook;

// frames are separated by newlines, so that sequences of them are tried
fuzz_target!(|data: &[u8]| {
    let mut book = FrameBook::new("BTCUSDT", mmbot_fuzz::grid(), mmbot_fuzz::Book::default());
    for frame in data.split(|byte| *byte == b'\n') {
        if let Ok(Some(top)) = book.apply(frame) {
            assert!(top.bid < top.ask);
        }
    }
});
