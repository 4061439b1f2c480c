//! A session of two symbols, and a venue that does what it is asked for.

use mmbot_run::live::{FeedCounts, LiveRequest};
use mmbot_run::{Configs, JournalStart, LiveSession, NoStrategy, Outcome, Replay};
use mmbot_types::journal::{FORMAT_VERSION, Header, InstrumentFacts, Mode, Reader};
use mmbot_types::{
    Action, ExecReport, Instrument, InstrumentIdx, Params, ReportKind, SessionParams, TsNs,
};

pub const NAMES: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
pub const START_MS: i64 = 1_700_000_000_000;

pub fn at(ms: i64) -> TsNs {
    TsNs::new((START_MS + ms) * 1_000_000)
}

pub fn session() -> LiveSession {
    session_with(Params::default())
}

pub fn session_with(params: Params) -> LiveSession {
    let made = |name: &&str| Instrument::new(name, "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
    let instruments: Vec<Instrument> = NAMES.iter().map(made).collect();
    let facts = |one: &Instrument| InstrumentFacts::of(one).unwrap();
    let start = JournalStart {
        header: Header {
            format: FORMAT_VERSION,
            session_id: "live".to_owned(),
            mode: Mode::Live,
            created: at(0),
            seed: Params::default().seed,
            cid_prefix: "mm-".to_owned(),
            instruments: instruments.iter().map(facts).collect(),
            config: Vec::new(),
        },
        params: vec![Vec::new(); 2],
        session: Vec::new(),
        hash_every_ns: 1_000_000_000,
        checkpoints: false,
    };
    let both = instruments.into_iter().map(|one| (one, params));
    LiveSession::new(both.collect(), SessionParams::default(), start).unwrap()
}

pub type Levels<'a> = &'a [(&'a str, &'a str)];

pub fn array(levels: Levels<'_>) -> String {
    let rows = levels
        .iter()
        .map(|(px, qty)| format!("[\"{px}\",\"{qty}\"]"));
    rows.collect::<Vec<_>>().join(",")
}

pub fn book(
    name: &str,
    kind: &str,
    u: i64,
    bids: Levels<'_>,
    asks: Levels<'_>,
    ms: i64,
) -> Vec<u8> {
    let (ts, b, a) = (START_MS + ms, array(bids), array(asks));
    format!(
        "{{\"topic\":\"orderbook.50.{name}\",\"type\":\"{kind}\",\"ts\":{ts},\
         \"data\":{{\"s\":\"{name}\",\"b\":[{b}],\"a\":[{a}],\"u\":{u},\"seq\":{u}}},\"cts\":{ts}}}"
    )
    .into_bytes()
}

pub fn snapshot(name: &str, u: i64, ms: i64) -> Vec<u8> {
    book(
        name,
        "snapshot",
        u,
        &[("30000.0", "2")],
        &[("30000.1", "3")],
        ms,
    )
}

pub fn delta(name: &str, u: i64, ms: i64) -> Vec<u8> {
    book(name, "delta", u, &[("29999.9", "1")], &[], ms)
}

pub fn send(session: &mut LiveSession, frame: &[u8], ms: i64) -> Vec<LiveRequest> {
    session.on_frame(frame, at(ms), &mut NoStrategy).unwrap();
    session.take_requests().collect()
}

pub fn accept(session: &mut LiveSession, requests: &[LiveRequest], ms: i64) {
    for request in requests {
        let kind = match request.action {
            Action::Place(_) => ReportKind::Accepted,
            Action::Amend { px, total_qty, .. } => ReportKind::Amended {
                px,
                open_qty: total_qty,
            },
            Action::Cancel { .. } => ReportKind::Cancelled,
        };
        let (cid, symbol) = (request.action.cid(), usize::from(request.instrument.0));
        let report = ExecReport {
            cid,
            ts_exch: at(ms),
            kind,
        };
        session
            .on_report(symbol, at(ms), &report, &mut NoStrategy)
            .unwrap();
    }
}

/// Both symbols quote.
pub fn quoting() -> LiveSession {
    let mut session = session();
    for (name, ms) in [("BTCUSDT", 0), ("ETHUSDT", 1)] {
        let requests = send(&mut session, &snapshot(name, 10, ms), ms);
        accept(&mut session, &requests, ms);
    }
    for (u, ms) in (11i64..).zip((10..500).step_by(10)) {
        for name in NAMES {
            let requests = send(&mut session, &delta(name, u, ms), ms);
            accept(&mut session, &requests, ms);
        }
    }
    assert!(open(&session, 0) >= 2 && open(&session, 1) >= 2);
    session
}

pub fn open(session: &LiveSession, symbol: u16) -> usize {
    let trader = session.engine().trader(InstrumentIdx(symbol)).unwrap();
    trader.open_orders().count()
}

pub fn is_synced(session: &LiveSession, symbol: u16) -> bool {
    session
        .engine()
        .market(InstrumentIdx(symbol))
        .unwrap()
        .is_synced()
}

pub fn counts(session: &LiveSession) -> FeedCounts {
    session.feed_counts(0).unwrap()
}

/// What a replay of a journal finds.
pub fn replayed(journal: &[u8]) -> Outcome {
    let mut replay = Replay::new();
    for entry in Reader::new(journal) {
        replay.on_entry(&entry.unwrap(), &mut Plain).unwrap();
    }
    replay.outcome()
}

/// Parameters of every session here.
struct Plain;

impl Configs for Plain {
    fn params(&mut self, _config: &[u8], seed: u64) -> Result<Params, String> {
        Ok(Params {
            seed,
            ..Params::default()
        })
    }

    fn session(
        &mut self,
        _config: &[u8],
        _instruments: &[Instrument],
    ) -> Result<SessionParams, String> {
        Ok(SessionParams::default())
    }
}
