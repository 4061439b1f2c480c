//! Cuts the faults of a plan down to those without which its violation does not happen.
//!
//! Each fault alone is tried first. Then bisection of the list (delta debugging, Zeller and
//! Hildebrandt 2002): parts are left out, larger ones first, as long as the same rule still breaks.

use super::kind::Fault;
use super::plan::FaultPlan;
use super::run::run;
use crate::error::RunError;
use crate::invariant::Invariant;

/// A plan cut down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimised {
    /// The plan with the faults that are left.
    pub plan: FaultPlan,
    /// Runs that it took.
    pub runs: usize,
}

/// Runs at most: each fault alone, and some twenty to cut 26 faults down to a few.
const RUNS_MAX: usize = 80;

/// Cuts `plan`, which breaks `rule`.
///
/// # Errors
/// [`RunError`] of a run.
pub fn minimise(plan: &FaultPlan, rule: Invariant) -> Result<Minimised, RunError> {
    let breaks = |faults: &[Fault]| -> Result<bool, RunError> {
        let outcome = run(&plan.with_only(faults))?;
        let mut found = outcome.violations.iter();
        Ok(found.any(|violation| violation.invariant == rule))
    };
    let (faults, runs) = cut(plan.enabled().collect(), breaks)?;
    Ok(Minimised {
        plan: plan.with_only(&faults),
        runs,
    })
}

/// The part of `faults` that still breaks, and how often that was asked.
fn cut<E>(
    mut faults: Vec<Fault>,
    mut breaks: impl FnMut(&[Fault]) -> Result<bool, E>,
) -> Result<(Vec<Fault>, usize), E> {
    let (mut parts, mut runs) = (1, 0);
    // most violations need one fault: that is tried first
    for fault in faults.iter().filter(|_| faults.len() > 2) {
        runs += 1;
        if breaks(&[*fault])? {
            let needs = !breaks(&[])?;
            return Ok((vec![*fault; usize::from(needs)], runs + 1));
        }
    }
    while !faults.is_empty() {
        let size = faults.len().div_ceil(parts);
        let mut smaller = None;
        for from in (0..faults.len()).step_by(size) {
            if runs >= RUNS_MAX {
                return Ok((faults, runs));
            }
            let left_out = from..(from + size).min(faults.len());
            let mut rest = faults.clone();
            rest.drain(left_out);
            runs += 1;
            if breaks(&rest)? {
                smaller = Some(rest);
                break;
            }
        }
        match smaller {
            Some(rest) => {
                faults = rest;
                parts = parts.saturating_sub(1).max(1);
            }
            None if size == 1 => break,
            None => parts = (2 * parts).min(faults.len()),
        }
    }
    Ok((faults, runs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn cut_to(needed: &[Fault]) -> (Vec<Fault>, usize) {
        let breaks = |faults: &[Fault]| {
            Ok::<_, Infallible>(needed.iter().all(|fault| faults.contains(fault)))
        };
        cut(Fault::ALL.to_vec(), breaks).unwrap()
    }

    #[test]
    fn exactly_the_faults_that_matter_are_left() {
        for needed in [
            &[][..],
            &[Fault::ReportLost],
            &[Fault::SessionReload],
            &[Fault::RequestLate, Fault::ClockBack],
            &[Fault::RequestLost, Fault::FeedGap, Fault::OperatorKill],
        ] {
            let (left, runs) = cut_to(needed);
            assert_eq!(left, needed);
            assert!(runs <= RUNS_MAX, "{runs}");
        }
    }
}
