//! Decisions that a replay traces on its way.

use crate::explain::Place;
use mmbot_core::{Engine, Trace};

/// Places to come, and traces of those passed.
#[derive(Debug, Default)]
pub(super) struct Explained {
    places: Vec<Place>,
    traces: Vec<Option<Trace>>,
}

impl Explained {
    pub(super) const fn new(places: Vec<Place>) -> Self {
        Self {
            places,
            traces: Vec::new(),
        }
    }

    pub(super) fn traces(&self) -> impl ExactSizeIterator<Item = (Place, Option<&Trace>)> {
        let passed = self.places.iter().copied().zip(&self.traces);
        passed.map(|(place, trace)| (place, trace.as_ref()))
    }

    /// A record is about to enter the core. One record may lead to requests of several instruments.
    #[inline]
    pub(super) fn before(&mut self, seq: u64, engine: Option<&mut Engine>) {
        let coming = self.places.get(self.traces.len()..).unwrap_or_default();
        let Some(engine) = engine.filter(|_| !coming.is_empty()) else {
            return;
        };
        for place in coming.iter().take_while(|place| place.from_seq == seq) {
            if let Some(trader) = engine.trader_mut(place.instrument) {
                trader.trace_decisions(true);
            }
        }
    }

    /// A record has entered the core.
    #[inline]
    pub(super) fn after(&mut self, seq: u64, engine: Option<&mut Engine>) {
        let coming = self.places.get(self.traces.len()..).unwrap_or_default();
        let Some(engine) = engine.filter(|_| !coming.is_empty()) else {
            return;
        };
        for place in coming.iter().take_while(|place| place.to_seq == seq) {
            let trader = engine.trader_mut(place.instrument);
            self.traces.push(trader.and_then(|trader| {
                let trace = trader.trace().cloned();
                trader.trace_decisions(false);
                trace
            }));
        }
    }
}
