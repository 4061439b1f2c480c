//! One instrument of a journal that is followed.

use super::told::{Facts, FillTold, MarkoutTold, OrderTold, Told};
use mmbot_core::order::{Order, OrderTable};
use mmbot_core::{MARKOUT_MS, Market, OrderEventRow, OrderState, SeatPlace, Trader};
use mmbot_types::{
    Action, ActionBuf, Cause, Cid, EventRow, ExecPrice, ExecReport, Instrument, InstrumentIdx,
    NewOrder, ParamError, QtyLot, ReportKind, RolloutParams, Side, SignalParams, TimeInForce, TsNs,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Orders of which facts are kept beyond what the trader knows: none, but it is asked in strides.
const FACTS_MAX: usize = 4_096;

/// A fill whose markouts are not all known.
#[derive(Debug, Clone, Copy)]
struct Marked {
    number: u64,
    cum_qty: QtyLot,
    ts: TsNs,
    side: Side,
    px: ExecPrice,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    instrument: InstrumentIdx,
    market: Market,
    trader: Trader,
    facts: BTreeMap<u64, Facts>,
    marked: VecDeque<Marked>,
    /// Per horizon: fills at the front of the queue that are done.
    marked_done: [usize; MARKOUT_MS.len()],
}

impl Seat {
    pub(super) fn new(at: u16, instrument: &Instrument, count: usize) -> Result<Self, ParamError> {
        let mut market = Market::new(instrument.clone(), SignalParams::default(), 0);
        market.keep_long_history();
        let place = SeatPlace {
            index: u64::from(at),
            count: count as u64,
        };
        Ok(Self {
            instrument: InstrumentIdx(at),
            market,
            trader: Trader::following(instrument.clone(), place)?,
            facts: BTreeMap::new(),
            marked: VecDeque::new(),
            marked_done: [0; MARKOUT_MS.len()],
        })
    }

    pub(super) const fn trader(&self) -> &Trader {
        &self.trader
    }

    pub(super) fn set_rollout(&mut self, rollout: &Arc<RolloutParams>) {
        self.trader.set_rollout(rollout);
    }

    pub(super) fn rows(&mut self, rows: &[EventRow]) {
        for row in rows {
            self.market.row(row, row.ts_local);
        }
    }

    pub(super) fn mid(&self) -> Option<ExecPrice> {
        self.market.last_mid().map(|mid| mid.to_exec())
    }

    /// A request, which the journal has before it left.
    pub(super) fn request(
        &mut self,
        (seq, ts): (u64, TsNs),
        (action, cause): (&Action, Cause),
        out: &mut Vec<Told>,
    ) {
        let mid = self.market.last_mid().unwrap_or_default();
        let order_seq = OrderTable::seq_of(action.cid());
        if let Action::Place(NewOrder { tif, .. }) = action {
            let facts = Facts {
                created: ts,
                post_only: *tif == TimeInForce::PostOnly,
                ..Facts::default()
            };
            self.facts.insert(order_seq, facts);
            self.forget();
        } else if let (Action::Cancel { .. }, Some(facts)) =
            (action, self.facts.get_mut(&order_seq))
        {
            facts.asked_to_end = cause.name();
        }
        self.trader.on_request(ts, action, cause, mid);
        self.tell((seq, ts), None, out);
    }

    /// What became of the last request about an order is not known.
    pub(super) fn unanswered(&mut self, (seq, ts): (u64, TsNs), cid: Cid, out: &mut Vec<Told>) {
        self.trader.on_unanswered(ts, cid);
        self.tell((seq, ts), None, out);
    }

    /// The process that had asked ended before the answer came.
    pub(super) fn interrupted(&mut self, (seq, ts): (u64, TsNs), cid: Cid, out: &mut Vec<Told>) {
        self.trader.on_interrupted(ts, cid);
        self.tell((seq, ts), None, out);
    }

    /// The venue's position is taken over; that is no fill.
    pub(super) fn adopt(&mut self, ts: TsNs, position: QtyLot, px: ExecPrice) {
        self.trader.adopt(ts, position, px);
    }

    /// Time without a report: answers that do not come leave orders unknown.
    pub(super) fn pass(&mut self, (seq, ts): (u64, TsNs), out: &mut Vec<Told>) {
        self.trader.pass_time(ts, &self.market);
        self.tell((seq, ts), None, out);
        self.tell_markouts(seq, out);
    }

    pub(super) fn report(
        &mut self,
        (seq, ts): (u64, TsNs),
        report: &ExecReport,
        out: &mut Vec<Told>,
    ) {
        let before = self.trader.known_order(report.cid);
        let fills = self.trader.telemetry().fills();
        let mut none = ActionBuf::new();
        let market = &mut self.market;
        self.trader.on_report(ts, report, market, &mut none);
        let booked = self.trader.telemetry().fills() > fills;
        if let ReportKind::Rejected(reason) = report.kind
            && let Some(facts) = self.facts.get_mut(&OrderTable::seq_of(report.cid))
        {
            facts.refused = reason.name();
        }
        let waited = before.filter(is_asked).map(|order| ts.since_ns(order.sent));
        self.note_done(ts, report.cid);
        self.tell((seq, ts), waited, out);
        match report.kind {
            ReportKind::Filled { .. } if booked => self.tell_fill((seq, ts), report, out),
            ReportKind::Filled { qty, .. } if before.is_none() => {
                out.push(self.orphan((seq, ts), report.cid, qty));
            }
            _ => {}
        }
    }

    fn note_done(&mut self, ts: TsNs, cid: Cid) {
        let is_over = self.trader.known_order(cid).map(|o| o.state.is_done());
        if let (Some(is_over), Some(facts)) =
            (is_over, self.facts.get_mut(&OrderTable::seq_of(cid)))
        {
            facts.done = is_over.then(|| facts.done.unwrap_or(ts));
        }
    }

    /// What the trader noted since the last call.
    fn tell(&mut self, (seq, ts): (u64, TsNs), waited: Option<i64>, out: &mut Vec<Told>) {
        for row in self.trader.take_order_events() {
            let told = self.told_of((seq, ts), &row, waited);
            out.push(Told::Order(Box::new(told)));
        }
    }

    fn told_of(
        &mut self,
        (seq, ts): (u64, TsNs),
        row: &OrderEventRow,
        waited: Option<i64>,
    ) -> OrderTold {
        let is_request = row.kind.name().starts_with("intent_");
        OrderTold {
            seq,
            ts,
            instrument: self.instrument,
            number: self.trader.session_seq(row.cid),
            kind: row.kind.name(),
            px: Some(row.px),
            qty: Some(row.qty),
            cause: row.reason,
            latency_ns: waited.filter(|_| !is_request),
            order: self.now(row.cid),
            fill: None,
        }
    }

    fn tell_fill(&mut self, (seq, ts): (u64, TsNs), report: &ExecReport, out: &mut Vec<Told>) {
        let ReportKind::Filled {
            px,
            qty,
            cum_qty,
            liquidity,
            fee,
        } = report.kind
        else {
            return;
        };
        if let Some(facts) = self.facts.get_mut(&OrderTable::seq_of(report.cid)) {
            facts.notional += mmbot_types::Money::notional(px, qty);
        }
        let order = self.now(report.cid);
        let number = self.trader.session_seq(report.cid);
        if let Some(order) = &order {
            self.marked.push_back(Marked {
                number,
                cum_qty,
                ts: report.ts_exch,
                side: order.side,
                px,
            });
        }
        let mid = self.market.mid_before(report.ts_exch);
        out.push(Told::Order(Box::new(OrderTold {
            seq,
            ts,
            instrument: self.instrument,
            number,
            kind: "fill",
            px: None,
            qty: Some(qty),
            cause: "",
            latency_ns: None,
            order,
            fill: Some(FillTold {
                px,
                qty,
                cum_qty,
                maker: liquidity == mmbot_types::Liquidity::Maker,
                fee,
                ts_exch: report.ts_exch,
                mid: mid.map(|mid| mid.to_exec()),
            }),
        })));
    }

    /// A fill of an order that nobody knows.
    fn orphan(&self, (seq, ts): (u64, TsNs), cid: Cid, qty: QtyLot) -> Told {
        Told::Order(Box::new(OrderTold {
            seq,
            ts,
            instrument: self.instrument,
            number: self.trader.session_seq(cid),
            kind: "unknown",
            px: None,
            qty: Some(qty),
            cause: "orphan_fill",
            latency_ns: None,
            order: None,
            fill: None,
        }))
    }

    fn now(&mut self, cid: Cid) -> Option<super::OrderNow> {
        let order = self.trader.known_order(cid)?;
        let facts = self.facts.get(&OrderTable::seq_of(cid))?;
        Some(facts.now(&order))
    }

    /// As `mmbot_core::edge::Markouts`: the mid at the horizon, once the venue's clock has passed
    /// it; none where the book was unusable.
    fn tell_markouts(&mut self, seq: u64, out: &mut Vec<Told>) {
        let clock = self.market.last_ts_exch();
        for (at, horizon_ms) in MARKOUT_MS.into_iter().enumerate() {
            while let Some(fill) = self.marked.get(self.marked_done[at]) {
                let horizon = fill.ts.plus_ms(horizon_ms);
                if clock <= horizon {
                    break;
                }
                self.marked_done[at] += 1;
                let Some(mid) = self.market.fresh_mid_at(horizon) else {
                    continue;
                };
                let mid = mid.to_exec();
                let moved = i128::from(fill.side.sign()) * i128::from(mid.get() - fill.px.get());
                let bps_e4 = moved * 100_000_000 / i128::from(fill.px.get().max(1));
                out.push(Told::Markout(MarkoutTold {
                    seq,
                    instrument: self.instrument,
                    number: fill.number,
                    cum_qty: fill.cum_qty,
                    horizon_ms,
                    mid,
                    bps_e4: i64::try_from(bps_e4).unwrap_or(0),
                }));
            }
        }
        let over = self.marked_done[MARKOUT_MS.len() - 1];
        self.marked.drain(..over);
        for done in &mut self.marked_done {
            *done = done.saturating_sub(over);
        }
    }

    /// Keeps the facts of orders that may still be told of.
    fn forget(&mut self) {
        if self.facts.len() > FACTS_MAX {
            let open = self.trader.open_orders();
            let oldest_open = open.map(|order| OrderTable::seq_of(order.cid)).min();
            let newest = self.facts.last_key_value().map_or(0, |(seq, _)| *seq);
            let from = newest.saturating_sub(FACTS_MAX as u64 / 2);
            let keep_from = oldest_open.map_or(from, |oldest| oldest.min(from));
            self.facts = self.facts.split_off(&keep_from);
        }
    }
}

/// A request about the order has no answer yet.
const fn is_asked(order: &Order) -> bool {
    matches!(
        order.state,
        OrderState::PendingNew | OrderState::PendingAmend { .. } | OrderState::PendingCancel { .. }
    )
}
