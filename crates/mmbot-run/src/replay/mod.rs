//! A journal runs through the core once more: what it asks for must be what was asked for.
//!
//! Every record is input, or it says what the core answered. Requests of the core wait until the
//! journal's intents take them, one by one and in order; the first that differs, is missing or was
//! never journalled ends the comparison, as does a state hash that is another. Requests at the very
//! end wait for nobody: a journal that a crash cut short has the cause and not yet the effect.

mod explained;
mod found;
mod recovered;

pub use found::{Difference, Outcome, ReplayError, What};
pub(crate) use recovered::Recovered;
pub use recovered::RecoveryError;

use crate::explain::Place;
use explained::Explained;
use mmbot_core::portfolio::FeeTilt;
use mmbot_core::{Engine, Event, Request, Trace};
use mmbot_types::journal::{Entry, Header, Record};
use mmbot_types::{Action, Cause, Instrument, InstrumentIdx, Params, SessionParams, TsNs};
use std::collections::VecDeque;

/// Reads the configurations of a journal: their form is somebody else's.
pub trait Configs {
    /// Parameters of an instrument; `seed` is the session's.
    ///
    /// # Errors
    /// What is wrong with them, in one line.
    fn params(&mut self, config: &[u8], seed: u64) -> Result<Params, String>;

    /// Parameters of the session of `instruments`.
    ///
    /// # Errors
    /// What is wrong with them, in one line.
    fn session(
        &mut self,
        config: &[u8],
        instruments: &[Instrument],
    ) -> Result<SessionParams, String>;
}

/// What a session was before anything happened to it.
#[derive(Debug, Default)]
struct Before {
    seed: u64,
    params: Vec<Option<Params>>,
    session: Option<SessionParams>,
}

/// A request that an intent has to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    instrument: InstrumentIdx,
    ts: TsNs,
    action: Action,
    cause: Cause,
    full_cid: u64,
}

/// See the module. Feed it entries in their order.
#[derive(Debug, Default)]
pub struct Replay {
    header: Option<Box<Header>>,
    instruments: Vec<Instrument>,
    before: Before,
    engine: Option<Engine>,
    requests: Vec<Request>,
    waiting: VecDeque<Wanted>,
    events: u64,
    actions: u64,
    difference: Option<Difference>,
    explained: Explained,
    keeps_records: bool,
}

impl Replay {
    /// A replay that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A replay that traces the decisions at `places`, which stand in their order.
    #[must_use]
    pub fn explaining(places: Vec<Place>) -> Self {
        Self {
            explained: Explained::new(places),
            ..Self::default()
        }
    }

    /// A replay that goes on from the state of a checkpoint: the next entry is the one after it, or
    /// the record of its hash.
    #[must_use]
    pub fn resumed(engine: Engine, places: Vec<Place>) -> Self {
        let indices = (0u16..).map(InstrumentIdx);
        let seats = indices.map_while(|at| Some((engine.market(at)?, engine.trader(at)?)));
        let (instruments, seeds): (Vec<_>, Vec<_>) = seats
            .map(|(market, trader)| (market.instrument().clone(), trader.params().seed))
            .unzip();
        Self {
            instruments,
            before: Before {
                seed: seeds.first().copied().unwrap_or_default(),
                ..Before::default()
            },
            engine: Some(engine),
            ..Self::explaining(places)
        }
    }

    /// The last decision at each place passed so far, in the order of the places; `None` where
    /// none was made.
    pub fn explanations(&self) -> impl ExactSizeIterator<Item = (Place, Option<&Trace>)> {
        self.explained.traces()
    }

    /// True if reading on cannot change the answer: a difference was found.
    #[must_use]
    pub const fn outcome_is_settled(&self) -> bool {
        self.difference.is_some()
    }

    /// Instruments of the session.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Takes in the next entry. After a difference nothing is compared any more.
    ///
    /// # Errors
    /// [`ReplayError`]: a journal that no session has written.
    pub fn on_entry(
        &mut self,
        entry: &Entry,
        configs: &mut dyn Configs,
    ) -> Result<(), ReplayError> {
        let at = |what| ReplayError {
            seq: entry.seq,
            what,
        };
        match &entry.record {
            Record::Header(header) => self.begin(header).map_err(at),
            Record::Intent { .. } => {
                self.compare_intent(entry);
                Ok(())
            }
            Record::StateHash { hash, .. } => {
                self.expect_nothing(entry.seq);
                self.compare_hash(entry.seq, *hash).map_err(at)
            }
            Record::Note { .. } | Record::SessionEnd { .. } | Record::CallResult { .. } => Ok(()),
            input => {
                self.expect_nothing(entry.seq);
                self.events += events_of(input);
                self.explained.before(entry.seq, self.engine.as_mut());
                self.on_input(input, configs).map_err(at)?;
                self.explained.after(entry.seq, self.engine.as_mut());
                Ok(())
            }
        }
    }

    /// What has been found so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome {
            events: self.events,
            actions: self.actions,
            hash: self.engine.as_ref().map_or(0, Engine::state_hash),
            difference: self.difference,
        }
    }

    /// What the journal begins with.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_deref()
    }

    /// The core as it is now; `None` before anything happened.
    #[must_use]
    pub const fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    fn begin(&mut self, header: &Header) -> Result<(), What> {
        if self.header.is_some() || self.engine.is_some() {
            return Err(What::SecondHeader);
        }
        let made = header.instruments.iter().map(|facts| facts.instrument());
        self.instruments = made.collect::<Result<_, _>>()?;
        self.before = Before {
            seed: header.seed,
            params: vec![None; header.instruments.len()],
            session: None,
        };
        self.header = Some(Box::new(header.clone()));
        Ok(())
    }

    fn on_input(&mut self, input: &Record, configs: &mut dyn Configs) -> Result<(), What> {
        if self.header.is_none() && self.engine.is_none() {
            return Err(What::NoHeader);
        }
        let ts = input.ts().unwrap_or_default();
        let event = match input {
            Record::MarketRows { instrument, rows } => {
                return Ok(self.running()?.on_rows(*instrument, rows)?);
            }
            Record::Params {
                instrument, config, ..
            } => {
                let read = configs.params(config, self.before.seed);
                let params = read.map_err(What::Config)?;
                if self.engine.is_none() && !self.before.is_complete() {
                    return self.before.set_params(*instrument, params);
                }
                Event::Params(*instrument, Box::new(params))
            }
            Record::SessionParams { config, .. } => {
                let read = configs.session(config, &self.instruments);
                let params = read.map_err(What::Config)?;
                if self.engine.is_none() && !self.before.is_complete() {
                    self.before.session = Some(params);
                    return Ok(());
                }
                Event::Session(Box::new(params))
            }
            other => event_of(other)?,
        };
        let mut requests = std::mem::take(&mut self.requests);
        let done = self.running()?.on_event(ts, &event, &mut requests);
        self.want(ts, &requests);
        requests.clear();
        self.requests = requests;
        Ok(done?)
    }

    /// The core, made of the first parameters; what comes then is an event.
    fn running(&mut self) -> Result<&mut Engine, What> {
        match &mut self.engine {
            Some(engine) => Ok(engine),
            slot => {
                let mut engine = self.before.engine(&self.instruments)?;
                if self.keeps_records {
                    recovered::keep_records(&mut engine, self.instruments.len());
                }
                Ok(slot.insert(engine))
            }
        }
    }

    fn want(&mut self, ts: TsNs, requests: &[Request]) {
        if self.difference.is_some() {
            return;
        }
        for request in requests {
            let trader = self
                .engine
                .as_ref()
                .and_then(|e| e.trader(request.instrument));
            self.waiting.push_back(Wanted {
                instrument: request.instrument,
                ts,
                action: request.action,
                cause: request.cause,
                full_cid: trader.map_or(0, |trader| trader.session_seq(request.action.cid())),
            });
        }
    }

    fn compare_intent(&mut self, entry: &Entry) {
        let Record::Intent {
            instrument,
            ts,
            action,
            cause,
            full_cid,
        } = &entry.record
        else {
            return;
        };
        let found = Wanted {
            instrument: *instrument,
            ts: *ts,
            action: *action,
            cause: *cause,
            full_cid: *full_cid,
        };
        match self.waiting.pop_front() {
            Some(wanted) if wanted == found => self.actions += 1,
            Some(wanted) => self.differs(entry.seq, Some(wanted.action), Some(found.action)),
            None => self.differs(entry.seq, None, Some(found.action)),
        }
    }

    /// What was asked for must have been journalled before the next input.
    fn expect_nothing(&mut self, seq: u64) {
        if let Some(wanted) = self.waiting.front() {
            self.differs(seq, Some(wanted.action), None);
        }
    }

    /// A session that ended before anything happened to it has a state, too.
    fn compare_hash(&mut self, seq: u64, journalled: u64) -> Result<(), What> {
        let replayed = self.running()?.state_hash();
        if self.difference.is_none() && replayed != journalled {
            self.difference = Some(Difference::Hash {
                seq,
                replayed,
                journalled,
            });
        }
        Ok(())
    }

    fn differs(&mut self, seq: u64, replayed: Option<Action>, journalled: Option<Action>) {
        self.waiting.clear();
        self.difference.get_or_insert(Difference::Request {
            seq,
            replayed,
            journalled,
        });
    }
}

impl Before {
    fn is_complete(&self) -> bool {
        self.session.is_some() && self.params.iter().all(Option::is_some)
    }

    fn set_params(&mut self, instrument: InstrumentIdx, params: Params) -> Result<(), What> {
        let slot = self.params.get_mut(usize::from(instrument.0));
        *slot.ok_or(What::UnknownInstrument)? = Some(params);
        Ok(())
    }

    fn engine(&self, instruments: &[Instrument]) -> Result<Engine, What> {
        let session = self.session.clone().ok_or(What::NoParams)?;
        let both = instruments.iter().zip(&self.params);
        let instruments = both
            .map(|(instrument, params)| Some((instrument.clone(), (*params)?)))
            .collect::<Option<Vec<_>>>()
            .ok_or(What::NoParams)?;
        Ok(Engine::driven(instruments, session)?)
    }
}

/// Market rows count one by one.
fn events_of(input: &Record) -> u64 {
    match input {
        Record::MarketRows { rows, .. } => rows.len() as u64,
        _ => 1,
    }
}

fn event_of(input: &Record) -> Result<Event, What> {
    Ok(match input {
        Record::Start { instrument, .. } => Event::Start(*instrument),
        Record::Report {
            instrument, report, ..
        } => Event::Report(*instrument, *report),
        Record::Unanswered {
            instrument, cid, ..
        } => Event::Unanswered(*instrument, *cid),
        Record::Interrupted {
            instrument, cid, ..
        } => Event::Interrupted(*instrument, *cid),
        Record::Adopt {
            instrument,
            position,
            px,
            ..
        } => Event::Adopt(*instrument, *position, *px),
        Record::Hold { instrument, on, .. } => Event::Hold(*instrument, *on),
        Record::Decide { instrument, .. } => Event::Decide(*instrument),
        Record::Sync { .. } => Event::Sync,
        Record::Quotes {
            instrument, quotes, ..
        } => Event::Quotes(*instrument, quotes.clone()),
        Record::Weights {
            weights, fee_tilt, ..
        } => {
            let tilt = if *fee_tilt == 0.0 {
                FeeTilt::Off
            } else {
                FeeTilt::Worth(*fee_tilt)
            };
            Event::Weights(weights.clone(), tilt)
        }
        Record::Control { control, .. } => Event::Control(control.clone()),
        _ => return Err(What::Unsupported),
    })
}
