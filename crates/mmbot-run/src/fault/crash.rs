//! A crash of the process: all that a session had in memory is gone, and so are the reports on
//! their way to it. A new process reads the journal back and goes on from what it says: traders,
//! guards and markets of the run are the recovered ones from then on.
//!
//! Rows that were not written yet are lost with the memory; books are out of step until the next
//! snapshot. The disk may have got the beginning of one more record: a torn tail, which is cut.
//!
//! A session is recovered twice: from its journal alone, and from its newest usable checkpoint with
//! the records behind it. Both must be the session that crashed; it goes on from the second, unless
//! no checkpoint is left.

use super::disk_states::DiskStates;
use super::kind::Fault;
use super::plan::{Canary, FaultPlan, below};
use super::ratio::Ratio;
use super::rim::Rim;
use crate::error::RunError;
use crate::fleet::Fleet;
use crate::invariant::Invariant;
use crate::replay::{Configs, Replay};
use crate::tap::JournalStart;
use crate::world::instrument_idx;
use mmbot_core::{Engine, Permit, session_hash};
use mmbot_types::journal::{
    FORMAT_VERSION, Header, InstrumentFacts, Mode, Reader, Record, Tail, Writer,
};
use mmbot_types::{
    CounterRng, EventRow, Instrument, Params, PriceTick, QtyLot, RowKind, SessionParams, Side, TsNs,
};

/// Market time between two hashes in the journal, which a recovery compares on its way.
const HASH_EVERY_NS: i64 = 1_000_000_000;

/// Parameters by number: that is what stands in the journal in place of a configuration.
#[derive(Debug, Default)]
pub(super) struct Given {
    params: Vec<Params>,
    sessions: Vec<SessionParams>,
}

impl Given {
    fn keep(&mut self, params: &Params) -> Vec<u8> {
        self.params.push(*params);
        number(self.params.len())
    }

    fn keep_session(&mut self, params: &SessionParams) -> Vec<u8> {
        self.sessions.push(params.clone());
        number(self.sessions.len())
    }
}

fn number(count: usize) -> Vec<u8> {
    (count - 1).to_string().into_bytes()
}

fn at(config: &[u8]) -> Option<usize> {
    std::str::from_utf8(config).ok()?.parse().ok()
}

impl Configs for &Given {
    fn params(&mut self, config: &[u8], _seed: u64) -> Result<Params, String> {
        let kept = at(config).and_then(|at| self.params.get(at));
        kept.copied().ok_or_else(|| "was never given".to_owned())
    }

    fn session(
        &mut self,
        config: &[u8],
        _instruments: &[Instrument],
    ) -> Result<SessionParams, String> {
        let kept = at(config).and_then(|at| self.sessions.get(at));
        kept.cloned().ok_or_else(|| "was never given".to_owned())
    }
}

/// When the process crashes, and what is needed to bring its session back.
#[derive(Debug)]
pub(super) struct Crashes {
    /// Venue times, ns; done from the front. Empty: no journal is written.
    times: Vec<i64>,
    done: usize,
    torn: Ratio,
    rng: CounterRng,
    given: Given,
    states: DiskStates,
}

impl Crashes {
    pub(super) fn new(plan: &FaultPlan) -> Self {
        // a planted defect is none of the session's that its journal could know
        let journals = matches!(plan.canary, None | Some(Canary::LostRecord));
        let windows = plan.windows(Fault::ProcessCrash).into_iter();
        Self {
            times: windows.filter(|_| journals).map(|(at, _)| at).collect(),
            done: 0,
            torn: plan.option(Fault::JournalTorn).ratio,
            rng: CounterRng::new(plan.seed, Fault::JournalTorn.name()),
            given: Given::default(),
            states: DiskStates::new(plan),
        }
    }

    /// Has the fleet write its session down, if it is going to crash.
    pub(super) fn begin(
        &mut self,
        fleet: &mut Fleet,
        instruments: &[Instrument],
        params: &[Params],
        session: &SessionParams,
    ) -> Result<(), RunError> {
        if self.times.is_empty() {
            return Ok(());
        }
        let facts = instruments.iter().map(InstrumentFacts::of);
        let facts: Result<Vec<_>, _> = facts.collect();
        fleet.begin_journal(JournalStart {
            header: Header {
                format: FORMAT_VERSION,
                session_id: "chaos".to_owned(),
                mode: Mode::Sim,
                created: TsNs::ZERO,
                seed: 0,
                cid_prefix: "mmchaos-".to_owned(),
                instruments: facts.map_err(|error| RunError::Strategy(error.to_string()))?,
                config: b"{}".to_vec(),
            },
            params: params
                .iter()
                .map(|params| self.given.keep(params))
                .collect(),
            session: self.given.keep_session(session),
            hash_every_ns: HASH_EVERY_NS,
            checkpoints: true,
        })
    }

    /// Writes down parameters that a symbol's trader has just been given.
    pub(super) fn note_params(&mut self, fleet: &mut Fleet, at: usize, params: &Params, now: TsNs) {
        if let Some(tap) = fleet.tap_mut() {
            tap.params(instrument_idx(at), now, self.given.keep(params));
        }
    }

    /// Writes down parameters that the session has just been given.
    pub(super) fn note_session(&mut self, fleet: &mut Fleet, params: &SessionParams, now: TsNs) {
        if let Some(tap) = fleet.tap_mut() {
            tap.session_params(now, self.given.keep_session(params));
        }
    }

    /// The next crash, if it comes before `until_ns` of venue time.
    pub(super) fn next_before(&mut self, until_ns: i64) -> Option<i64> {
        let at = self.times.get(self.done).copied();
        let at = at.filter(|at| *at < until_ns)?;
        self.done += 1;
        Some(at)
    }

    /// Takes the checkpoints that the session has written.
    pub(super) fn collect(&mut self, fleet: &mut Fleet) {
        self.states.collect(fleet);
    }

    /// The process crashes at local time `now_ns` and comes back.
    pub(super) fn crash(
        &mut self,
        fleet: &mut Fleet,
        rim: &mut Rim,
        now_ns: i64,
    ) -> Result<(), RunError> {
        let Some(tap) = fleet.tap_mut() else {
            return Ok(());
        };
        let mut disk = tap.pending()?.to_vec();
        let whole = disk.len() as u64;
        let index = now_ns.unsigned_abs();
        rim.note(Fault::ProcessCrash);
        if self.torn.happens(self.rng, index) {
            rim.note(Fault::JournalTorn);
            self.tear(&mut disk, index + 1);
        }
        let forgets = rim.canary == Some(Canary::LostRecord);
        self.states.collect(fleet);
        self.states.crash(rim, index);
        let recovered = self.recover(&disk, whole, forgets);
        let resumed = self.states.recover(&disk, &self.given);
        let (live, now) = (State::of_fleet(fleet), TsNs::new(now_ns));
        let mut same = true;
        for found in [&recovered, &resumed] {
            let exact = found.as_ref().is_ok_and(|engine| {
                let engine = engine.as_ref().map(State::of_engine);
                engine.is_none_or(|engine| engine == live)
            });
            let findings = &mut rim.audit.findings;
            findings.judge(
                Invariant::RecoveryIsExact,
                exact,
                now,
                None,
                || match found {
                    Ok(_) => "another state than that of the crash".to_owned(),
                    Err(what) => what.clone(),
                },
            );
            same &= exact;
        }
        // nothing happened before the crash: there is nothing to come back to
        if same
            && let Ok(recovered) = recovered
            && let Ok(resumed) = resumed
            && let Some(engine) = resumed.or(recovered)
        {
            restore(fleet, engine, now)?;
        }
        Ok(())
    }

    /// The disk has the beginning of one more record.
    fn tear(&self, disk: &mut Vec<u8>, index: u64) {
        let mut writer = Writer::new(u64::MAX >> 1);
        let reason = "never written to its end".to_owned();
        let end = Record::SessionEnd {
            ts: TsNs::ZERO,
            reason,
        };
        if writer.append(&end).is_ok() {
            let bytes = writer.pending();
            let length = i64::try_from(bytes.len()).unwrap_or(1);
            let written = usize::try_from(below(self.rng, index, length)).unwrap_or(0);
            disk.extend_from_slice(&bytes[..written]);
        }
    }

    /// The core as the journal says that it was; `None` of a journal in which nothing happened.
    fn recover(&self, disk: &[u8], whole: u64, forgets: bool) -> Result<Option<Engine>, String> {
        let (mut reader, mut replay) = (Reader::new(disk), Replay::new());
        let mut loses = forgets;
        while let Some(entry) = reader.next_entry().map_err(|error| error.to_string())? {
            if loses && matches!(entry.record, Record::Report { .. }) {
                loses = false;
                continue;
            }
            let taken = replay.on_entry(&entry, &mut &self.given);
            taken.map_err(|error| error.to_string())?;
        }
        match reader.tail().map_err(|error| error.to_string())? {
            Tail::Clean => {}
            Tail::Torn { at } if at == whole => {}
            Tail::Torn { at } => return Err(format!("cut at {at}, {whole} bytes were whole")),
        }
        match replay.outcome().difference {
            None => Ok(replay.engine().cloned()),
            Some(difference) => Err(format!("{difference:?}")),
        }
    }
}

/// What must be as it was.
#[derive(Debug, PartialEq)]
struct State {
    traders: u64,
    permits: Vec<Option<Permit>>,
}

impl State {
    fn of_fleet(fleet: &Fleet) -> Self {
        let lanes = (0..).map_while(|symbol| fleet.world(symbol)?.lane(0));
        let hashes: Vec<u64> = lanes.map(|lane| lane.trader().state_hash()).collect();
        let permit = |symbol| {
            fleet
                .session(0)
                .and_then(|session| session.permit(symbol).copied())
        };
        Self {
            permits: (0..hashes.len()).map(permit).collect(),
            traders: session_hash(hashes.into_iter()),
        }
    }

    fn of_engine(engine: &Engine) -> Self {
        let count = engine.session().symbols().len();
        Self {
            traders: engine.state_hash(),
            permits: (0..count)
                .map(|at| engine.session().permit(at).copied())
                .collect(),
        }
    }
}

/// The session goes on as it was recovered; its books are out of step.
fn restore(fleet: &mut Fleet, mut engine: Engine, now: TsNs) -> Result<(), RunError> {
    let gap = EventRow {
        kind: RowKind::Gap,
        side: Side::Buy,
        last: true,
        px: PriceTick::ZERO,
        qty: QtyLot::ZERO,
        ts_exch: now,
        ts_local: now,
    };
    for symbol in 0..engine.session().symbols().len() {
        let instrument = instrument_idx(symbol);
        let read = engine.on_rows(instrument, &[gap]);
        read.map_err(|error| RunError::Strategy(error.to_string()))?;
        if let Some(tap) = fleet.tap_mut() {
            tap.rows(instrument, &mut vec![gap]);
        }
    }
    fleet.restore(&engine);
    Ok(())
}
