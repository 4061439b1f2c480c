//! Which of the streams in a capture is the wanted one. A symbol may be traded on several markets
//! of a venue (linear and spot) and come at several depths; mixing them would break the numbering.

use super::format::Venue;
use memchr::memmem;
use std::collections::BTreeMap;

/// Market names of connections, and the streams locked on.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Market by connection name.
    markets: BTreeMap<Vec<u8>, String>,
    market: Option<String>,
    depth: Option<u16>,
    trades: Option<u16>,
    /// Connection that carries the wanted book.
    book_conn: Option<Vec<u8>>,
}

impl Route {
    pub fn new(market: Option<&str>) -> Self {
        Self {
            market: market.map(str::to_owned),
            ..Self::default()
        }
    }

    /// A connection was opened. True if it is the one that carried the wanted book.
    pub fn on_connect(&mut self, conn: &[u8], venue: Venue, url: &[u8]) -> bool {
        let market = market_of_url(venue, url).unwrap_or_default().to_owned();
        self.markets.insert(conn.to_vec(), market);
        self.book_conn.as_deref() == Some(conn)
    }

    /// Market of a connection; empty if the capture does not tell.
    pub fn market_of(&self, conn: &[u8]) -> &str {
        self.markets.get(conn).map_or("", String::as_str)
    }

    /// True if the connection belongs to another market than the wanted one.
    pub fn is_elsewhere(&self, conn: &[u8]) -> bool {
        match (&self.market, self.market_of(conn)) {
            (Some(wanted), market) => !same_market(wanted, market),
            (None, _) => false,
        }
    }

    /// True if rows of this connection's market are wanted; the first market that carries the
    /// symbol is, if none was asked for.
    pub fn accepts_conn(&mut self, conn: &[u8]) -> bool {
        let market = self.markets.get(conn).map_or("", String::as_str);
        accepts_market(&mut self.market, market)
    }

    /// The same for a REST answer.
    pub fn accepts_url(&mut self, venue: Venue, url: &[u8]) -> bool {
        accepts_market(
            &mut self.market,
            market_of_url(venue, url).unwrap_or_default(),
        )
    }

    /// True if a book of this depth is the wanted one (the first depth is).
    pub fn accepts_depth(&mut self, depth: u16, conn: &[u8]) -> bool {
        let accepted = *self.depth.get_or_insert(depth) == depth;
        if accepted && self.book_conn.as_deref() != Some(conn) {
            self.book_conn = Some(conn.to_vec());
        }
        accepted
    }

    /// True if this kind of trade stream is the wanted one (the first is: single and aggregated
    /// prints tell of the same trades).
    pub fn accepts_trades(&mut self, stream: u16) -> bool {
        *self.trades.get_or_insert(stream) == stream
    }
}

fn accepts_market(wanted: &mut Option<String>, market: &str) -> bool {
    match wanted {
        Some(wanted) => same_market(wanted, market),
        None => {
            *wanted = Some(market.to_owned());
            true
        }
    }
}

/// Captures without addresses have one connection and name no market.
fn same_market(wanted: &str, market: &str) -> bool {
    market.is_empty() || wanted.is_empty() || wanted == market
}

/// Market that an address belongs to: `linear`, `inverse`, `spot`, `option` (Bybit), `spot`,
/// `usdm`, `coinm` (Binance). OKX has one address for all, its symbols are unique.
pub(super) fn market_of_url(venue: Venue, url: &[u8]) -> Option<&'static str> {
    let marks: &[(&[u8], &str)] = match venue {
        Venue::Bybit => &[
            (b"/public/linear", "linear"),
            (b"/public/inverse", "inverse"),
            (b"/public/spot", "spot"),
            (b"/public/option", "option"),
            (b"category=linear", "linear"),
            (b"category=inverse", "inverse"),
            (b"category=spot", "spot"),
            (b"category=option", "option"),
        ],
        Venue::Binance => &[
            (b"//fstream", "usdm"),
            (b"//fapi", "usdm"),
            (b"//dstream", "coinm"),
            (b"//dapi", "coinm"),
            (b"//stream", "spot"),
            (b"//api", "spot"),
        ],
        Venue::Okx => &[],
    };
    marks
        .iter()
        .find(|(mark, _)| memmem::find(url, mark).is_some())
        .map(|(_, market)| *market)
}
