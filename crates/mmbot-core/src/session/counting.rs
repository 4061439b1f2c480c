//! Counting what was sent and answered. Windows and rates are over whole seconds, so that a
//! synchronisation adds to a few numbers of its second, and the windows get those when the second
//! is over or somebody looks: nine of ten synchronisations touch no window.

use super::outcome::{CallOutcome, OutcomeCounts};
use super::requests::Requests;
use super::ring::second_of;
use super::seat::Seat;
use super::windows::OpWindows;
use mmbot_types::{Op, SessionParams, TsNs};

const SECOND_NS: i64 = 1_000_000_000;

/// What a symbol sent and was answered in a second that the windows do not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Unsettled {
    sent: [u32; Op::COUNT],
    rejects: u32,
    outcomes: OutcomeCounts,
}

/// The same of all symbols, and which second it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct OpenSecond {
    second: i64,
    /// Its first instant, and that of the next one.
    from: TsNs,
    to: TsNs,
    symbols: Vec<Unsettled>,
    all: Unsettled,
}

/// What the windows take in a second, besides what they do not have yet.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Room {
    /// The second, its first instant to that of the next one.
    from: TsNs,
    to: TsNs,
    /// Number of quoted symbols; `None` if it has to be worked out.
    quoted: Option<usize>,
    session: [u64; Op::COUNT],
    symbols: Vec<[u64; Op::COUNT]>,
}

impl Room {
    #[inline]
    pub(super) fn is_of(&self, now: TsNs, quoted: usize) -> bool {
        self.quoted == Some(quoted) && self.from <= now && now < self.to
    }

    pub(super) fn measure(
        &mut self,
        now: TsNs,
        quoted: usize,
        session: [u64; Op::COUNT],
        symbols: impl Iterator<Item = [u64; Op::COUNT]>,
    ) {
        self.from = TsNs::new(second_of(now).saturating_mul(SECOND_NS));
        self.to = self.from.plus_ns(SECOND_NS);
        self.quoted = Some(quoted);
        self.session = session;
        self.symbols.clear();
        self.symbols.extend(symbols);
    }

    /// To be called when the windows change.
    pub(super) const fn forget(&mut self) {
        self.quoted = None;
    }

    /// Requests of an operation that the session may still send.
    #[inline]
    pub(super) const fn of_session(&self, op: Op, open: &OpenSecond) -> u64 {
        self.session[op.index()].saturating_sub(open.all.sent(op))
    }

    /// Requests of an operation that a symbol may still send.
    #[inline]
    pub(super) fn of_symbol(&self, at: usize, op: Op, open: &OpenSecond) -> u64 {
        self.symbols[at][op.index()].saturating_sub(open.symbols[at].sent(op))
    }
}

impl Unsettled {
    #[inline]
    fn add(&mut self, seat: &Seat) {
        let sent = &seat.sent;
        self.sent[Op::Create.index()] += sent.creates;
        self.sent[Op::Amend.index()] += sent.amends;
        self.sent[Op::Cancel.index()] += sent.cancels;
        self.rejects += sent.rejects;
        self.outcomes.merge(&seat.outcomes);
    }

    /// Requests of an operation.
    #[inline]
    const fn sent(&self, op: Op) -> u64 {
        self.sent[op.index()] as u64
    }

    fn add_to(&self, windows: &mut OpWindows, second_ts: TsNs) {
        for op in Op::ALL {
            let n = self.sent[op.index()];
            if n > 0 {
                windows.sent(op, second_ts, n);
            }
        }
    }
}

impl OpenSecond {
    pub(super) fn new(symbols: usize) -> Self {
        Self {
            second: i64::MIN,
            from: TsNs::ZERO,
            to: TsNs::ZERO,
            symbols: vec![Unsettled::default(); symbols],
            all: Unsettled::default(),
        }
    }

    /// True if `now` lies in the second.
    #[inline]
    pub(super) fn holds(&self, now: TsNs) -> bool {
        self.from <= now && now < self.to
    }

    /// Makes the second that of `ts` the open one, which is empty.
    #[cold]
    fn begin(&mut self, ts: TsNs) {
        self.second = second_of(ts);
        self.from = TsNs::new(self.second.saturating_mul(SECOND_NS));
        self.to = self.from.plus_ns(SECOND_NS);
    }

    pub(super) fn forget(&mut self) {
        self.symbols.fill(Unsettled::default());
        self.all = Unsettled::default();
    }
}

impl Requests {
    /// Counts what was sent and answered since the last synchronisation, which all lies in the
    /// second before `now`.
    #[inline]
    pub fn count(&mut self, params: &SessionParams, seats: &[Seat], now: TsNs) {
        let then = now.plus_ns(-1);
        if !self.open.holds(then) {
            self.settle();
            self.open.begin(then);
        }
        let mut outcomes = OutcomeCounts::default();
        let mut special = false;
        for (unsettled, seat) in self.open.symbols.iter_mut().zip(seats) {
            if seat.is_quiet() {
                continue;
            }
            unsettled.add(seat);
            self.open.all.add(seat);
            outcomes.merge(&seat.outcomes);
            special |= seat.probe.is_some() || seat.outcomes.get(CallOutcome::RateLimited) > 0;
        }
        if special {
            self.count_special(params, seats, &mut outcomes, now);
        }
        self.breaker.on_results(&params.circuit, &outcomes, now);
    }

    /// Results that mean more than a number: the venue finds that we ask too often, and probes,
    /// which are told to the breaker one by one and leave `outcomes`.
    #[cold]
    fn count_special(
        &mut self,
        params: &SessionParams,
        seats: &[Seat],
        outcomes: &mut OutcomeCounts,
        now: TsNs,
    ) {
        for (backoff, seat) in self.backoffs.iter_mut().zip(seats) {
            if seat.outcomes.get(CallOutcome::RateLimited) > 0 {
                backoff.rate_limited(&params.throttle, now);
            }
            if let Some(outcome) = seat.probe {
                self.breaker.on_probe_result(&params.circuit, outcome, now);
                outcomes.take_one(outcome);
            }
        }
    }

    /// The windows get what they do not have yet.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.open.all != Unsettled::default() {
            self.settle_all();
        }
    }

    #[cold]
    fn settle_all(&mut self) {
        self.room.forget();
        let (then, second) = (self.open.from, self.open.second);
        // with one symbol the session's are the same
        let many = self.open.symbols.len() > 1;
        for (at, one) in self.open.symbols.iter().enumerate() {
            let creates = one.sent[Op::Create.index()];
            let cancels = one.sent[Op::Cancel.index()];
            one.add_to(&mut self.symbols[at], then);
            if creates > 0 {
                self.symbol_creates[at].add(second, creates);
            }
            if !many {
                continue;
            }
            if cancels > 0 {
                self.symbol_cancels[at].add(second, cancels);
            }
            self.symbol_rates[at].on_orders(creates, one.rejects, then);
            self.symbol_rates[at].on_calls(&one.outcomes, then);
        }
        let all = self.open.all;
        let creates = all.sent[Op::Create.index()];
        let cancels = all.sent[Op::Cancel.index()];
        all.add_to(&mut self.session, then);
        if cancels > 0 {
            self.cancels.add(second, cancels);
        }
        self.rates.on_orders(creates, all.rejects, then);
        self.rates.on_calls(&all.outcomes, then);
        self.open.forget();
    }

    /// Windows of the session and of each symbol, for snapshots.
    #[must_use]
    pub fn settled_windows(&self) -> (OpWindows, Vec<OpWindows>) {
        let then = self.open.from;
        let with = |windows: &OpWindows, unsettled: &Unsettled| {
            let mut windows = windows.clone();
            unsettled.add_to(&mut windows, then);
            windows
        };
        let symbols = self.symbols.iter().zip(&self.open.symbols);
        let symbols = symbols.map(|(windows, unsettled)| with(windows, unsettled));
        (with(&self.session, &self.open.all), symbols.collect())
    }
}
