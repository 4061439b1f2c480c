//! Grids out of the instrument lists that a capture holds as REST answers: Bybit
//! `instruments-info`, Binance `exchangeInfo`, OKX `instruments`.

use crate::capture::format::Venue;
use crate::capture::route::market_of_url;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Tick and lot texts by symbol and market.
#[derive(Debug, Default)]
pub(super) struct Instruments {
    grids: BTreeMap<(String, String), (String, String)>,
}

impl Instruments {
    /// Reads an answer; one that is no instrument list adds nothing.
    pub fn read(&mut self, venue: Venue, url: &[u8], answer: &[u8]) {
        let market = market_of_url(venue, url).unwrap_or_default();
        let added = match venue {
            Venue::Bybit => serde_json::from_slice(answer).map(|a: Bybit| self.bybit(&a)),
            Venue::Binance => serde_json::from_slice(answer).map(|a| self.binance(&a, market)),
            Venue::Okx => serde_json::from_slice(answer).map(|a| self.okx(&a)),
        };
        // other REST answers (depth, candles, server time) have other shapes
        added.unwrap_or_default();
    }

    /// Grid of a symbol: of its market, or of any if the capture names none.
    pub fn grid_of(&self, symbol: &str, market: &str) -> Option<(&str, &str)> {
        let exact = self.grids.get(&(symbol.to_owned(), market.to_owned()));
        let any = || {
            let all = &mut self.grids.iter().filter(|((s, _), _)| s == symbol);
            match (all.next(), all.next()) {
                (Some((_, only)), None) => Some(only),
                _ => None,
            }
        };
        let (tick, lot) = exact.or_else(any)?;
        Some((tick, lot))
    }

    fn add(&mut self, symbol: &str, market: &str, tick: &str, lot: &str) {
        let key = (symbol.to_ascii_uppercase(), market.to_owned());
        self.grids.insert(key, (tick.to_owned(), lot.to_owned()));
    }

    fn bybit(&mut self, answer: &Bybit) {
        for item in &answer.result.list {
            let lot = &item.lot_size_filter;
            if let Some(lot) = lot.qty_step.as_ref().or(lot.base_precision.as_ref()) {
                let tick = &item.price_filter.tick_size;
                self.add(&item.symbol, &answer.result.category, tick, lot);
            }
        }
    }

    fn binance(&mut self, answer: &Binance, market: &str) {
        for item in &answer.symbols {
            let tick = item.filters.iter().find_map(|f| f.tick_size.as_ref());
            let lot = item
                .filters
                .iter()
                .filter(|f| f.filter_type == "LOT_SIZE")
                .find_map(|f| f.step_size.as_ref());
            if let (Some(tick), Some(lot)) = (tick, lot) {
                self.add(&item.symbol, market, tick, lot);
            }
        }
    }

    fn okx(&mut self, answer: &Okx) {
        for item in &answer.data {
            self.add(&item.inst_id, "", &item.tick_sz, &item.lot_sz);
        }
    }
}

#[derive(Debug, Deserialize)]
struct Bybit {
    result: BybitResult,
}

#[derive(Debug, Deserialize)]
struct BybitResult {
    category: String,
    list: Vec<BybitItem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BybitItem {
    symbol: String,
    price_filter: BybitPrice,
    lot_size_filter: BybitLot,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BybitPrice {
    tick_size: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BybitLot {
    qty_step: Option<String>,
    base_precision: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Binance {
    symbols: Vec<BinanceItem>,
}

#[derive(Debug, Deserialize)]
struct BinanceItem {
    symbol: String,
    filters: Vec<BinanceFilter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BinanceFilter {
    filter_type: String,
    tick_size: Option<String>,
    step_size: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Okx {
    data: Vec<OkxItem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OkxItem {
    inst_id: String,
    tick_sz: String,
    lot_sz: String,
}
