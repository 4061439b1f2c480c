//! Replaces, counted from a list of their times.

use super::{Findings, Invariant};
use crate::world::Batch;
use mmbot_types::{Action, Cause, Cid, ExecReport, ReplaceParams, ReportKind};

/// A replace is no longer in flight after so long, ns.
const GIVEN_UP_NS: i64 = 3_000_000_000;
const MINUTE_NS: i64 = 60_000_000_000;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Replaces {
    sent: Vec<i64>,
    in_flight: Vec<(Cid, i64)>,
}

impl Replaces {
    /// A report about an order answers what was asked of it, unless it merely says that it traded
    /// or rests.
    pub(super) fn answered(&mut self, report: &ExecReport) {
        if !matches!(report.kind, ReportKind::Accepted) {
            self.in_flight.retain(|(cid, _)| *cid != report.cid);
        }
    }

    pub(super) fn judge(
        &mut self,
        findings: &mut Findings,
        limits: &ReplaceParams,
        batch: &Batch<'_>,
    ) {
        let now = batch.now.get();
        for (action, cause) in batch.actions {
            let replaces = match action {
                Action::Amend { .. } => true,
                Action::Cancel { .. } => *cause == Cause::Replace,
                Action::Place(_) => false,
            };
            if !replaces {
                continue;
            }
            self.in_flight.retain(|(_, at)| now - at < GIVEN_UP_NS);
            self.sent.retain(|at| now - at < MINUTE_NS);
            let concurrent = self.in_flight.len() as f64 + 1.0 <= limits.max_concurrent.max(1.0);
            let spaced = self
                .sent
                .last()
                .is_none_or(|last| now - last >= limits.min_interval_ms.saturating_mul(1_000_000));
            let rare = self.sent.len() < limits.replace_rate_per_min as usize;
            findings.judge(
                Invariant::ReplaceThrottle,
                concurrent && spaced && rare,
                batch.now,
                Some(batch.spot.symbol),
                || {
                    let last = self.sent.last().map(|last| now - last);
                    let (flying, sent) = (self.in_flight.len(), self.sent.len());
                    format!("{flying} in flight, last {last:?} ns ago, {sent} in a minute")
                },
            );
            self.sent.push(now);
            self.in_flight.push((action.cid(), now));
        }
    }
}
