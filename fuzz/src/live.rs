//! A whole live session behind the decoder: whatever frames come, no book is traded on that is
//! crossed, and no price or size is there that no venue has.

use mmbot_run::{JournalStart, LiveSession, NoStrategy};
use mmbot_types::journal::{FORMAT_VERSION, Header, InstrumentFacts, Mode};
use mmbot_types::{Action, Instrument, InstrumentIdx, Params, SessionParams, TsNs};

const START_NS: i64 = 1_700_000_000_000_000_000;
const STEP_NS: i64 = 20_000_000;

/// Takes each line of `data` as a frame, in a session of one instrument that trades.
///
/// # Panics
/// If it asks for an order off the grid, or if a book that it decides on is crossed.
pub fn live_session(data: &[u8]) {
    let mut session = session();
    let mut now = START_NS;
    for frame in data.split(|byte| *byte == b'\n').take(64) {
        now += STEP_NS;
        let _ = session.on_frame(frame, TsNs::new(now), &mut NoStrategy);
        for request in session.take_requests() {
            if let Action::Place(order) = request.action {
                assert!(order.px.get() > 0 && order.qty.get() > 0);
            }
        }
        let market = session.engine().market(InstrumentIdx(0));
        let market = market.expect("the session has one instrument");
        assert!(!(market.is_synced() && market.book().is_crossed()));
    }
}

fn session() -> LiveSession {
    let instrument = Instrument::new("BTCUSDT", "0.05", "0.001", "0.001", 5.0, 1.0);
    let instrument = instrument.expect("decimal numbers");
    let start = JournalStart {
        header: Header {
            format: FORMAT_VERSION,
            session_id: "fuzz".to_owned(),
            mode: Mode::Live,
            created: TsNs::new(START_NS),
            seed: 7,
            cid_prefix: "mm-".to_owned(),
            instruments: vec![InstrumentFacts::of(&instrument).expect("facts that fit")],
            config: Vec::new(),
        },
        params: vec![Vec::new()],
        session: Vec::new(),
        hash_every_ns: 1_000_000_000,
        checkpoints: false,
    };
    let one = vec![(instrument, Params::default())];
    LiveSession::new(one, SessionParams::default(), start).expect("default parameters")
}
