//! The formats of recorded files: an envelope per line around venue frames, or a CSV dump.

use crate::decoded::{Decoded, Target};
use crate::error::FrameError;
use crate::sequence::Rule;
use crate::{binance, bybit, okx};

/// Whose frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Venue {
    /// Bybit v5.
    Bybit,
    /// Binance spot, USD-M, COIN-M.
    Binance,
    /// OKX v5.
    Okx,
}

impl Venue {
    /// All venues.
    pub const ALL: [Venue; 3] = [Venue::Bybit, Venue::Binance, Venue::Okx];

    /// Name used in format names and the catalog.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Venue::Bybit => "bybit",
            Venue::Binance => "binance",
            Venue::Okx => "okx",
        }
    }

    /// Decodes one frame of the venue.
    ///
    /// # Errors
    /// The offending byte of the frame.
    pub fn decode(
        self,
        frame: &[u8],
        target: &Target<'_>,
        out: &mut Decoded,
    ) -> Result<(), FrameError> {
        match self {
            Venue::Bybit => bybit::decode(frame, target, out),
            Venue::Binance => binance::decode(frame, target, out),
            Venue::Okx => okx::decode(frame, target, out),
        }
    }

    /// How the venue numbers book messages.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            Venue::Bybit => Rule::Bybit,
            Venue::Binance => Rule::Binance,
            Venue::Okx => Rule::Okx,
        }
    }
}

/// What stands around a frame in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// `{"t":"recv","conn":...,"ts":...,"data":"<frame>"}` (cryptofeed version 3).
    Jsonl,
    /// `<receive time>: <frame>` (cryptofeed, older).
    Text,
    /// `<receive time> <frame>` (hftbacktest's collector).
    Local,
    /// The frame alone (Bybit's daily dumps).
    Bare,
}

impl Envelope {
    /// All envelopes.
    pub const ALL: [Envelope; 4] = [
        Envelope::Jsonl,
        Envelope::Text,
        Envelope::Local,
        Envelope::Bare,
    ];

    /// Name used in format names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Envelope::Jsonl => "jsonl",
            Envelope::Text => "text",
            Envelope::Local => "local",
            Envelope::Bare => "bare",
        }
    }
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Venue frames in an envelope: `bybit-jsonl`, `binance-local`, `okx-text`, `bybit-bare`, ...
    Frames {
        /// Whose frames.
        venue: Venue,
        /// What stands around them.
        envelope: Envelope,
    },
    /// Bybit's public trade dumps: `bybit-trades-csv`.
    BybitTrades,
    /// tardis.dev `incremental_book_L2`: `tardis-book-csv`.
    TardisBook,
    /// tardis.dev `trades`: `tardis-trades-csv`.
    TardisTrades,
}

impl Format {
    /// The format of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "bybit-trades-csv" => return Some(Format::BybitTrades),
            "tardis-book-csv" => return Some(Format::TardisBook),
            "tardis-trades-csv" => return Some(Format::TardisTrades),
            _ => {}
        }
        let (venue, envelope) = name.split_once('-')?;
        Some(Format::Frames {
            venue: Venue::ALL.into_iter().find(|v| v.name() == venue)?,
            envelope: Envelope::ALL.into_iter().find(|e| e.name() == envelope)?,
        })
    }

    /// Name of the format.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Format::Frames { venue, envelope } => format!("{}-{}", venue.name(), envelope.name()),
            Format::BybitTrades => "bybit-trades-csv".to_owned(),
            Format::TardisBook => "tardis-book-csv".to_owned(),
            Format::TardisTrades => "tardis-trades-csv".to_owned(),
        }
    }

    /// All formats.
    pub fn all() -> impl Iterator<Item = Format> {
        let frames = Venue::ALL.into_iter().flat_map(|venue| {
            Envelope::ALL
                .into_iter()
                .map(move |envelope| Format::Frames { venue, envelope })
        });
        frames.chain([
            Format::BybitTrades,
            Format::TardisBook,
            Format::TardisTrades,
        ])
    }

    /// How book messages of the format are numbered.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            Format::Frames { venue, .. } => venue.rule(),
            Format::BybitTrades | Format::TardisBook | Format::TardisTrades => Rule::Unnumbered,
        }
    }

    /// True if the first line is a header of column names.
    #[must_use]
    pub const fn has_header(self) -> bool {
        !matches!(self, Format::Frames { .. })
    }

    /// Guesses the format from the first bytes of a file (whole lines; a few kilobytes are enough).
    #[must_use]
    pub fn detect(head: &[u8]) -> Option<Self> {
        let line = head.split(|b| *b == b'\n').find(|l| !l.is_empty())?;
        if line.starts_with(b"exchange,symbol,") {
            return Some(match memchr::memmem::find(line, b"is_snapshot") {
                Some(_) => Format::TardisBook,
                None => Format::TardisTrades,
            });
        }
        if line.starts_with(b"timestamp,symbol,") || line.starts_with(b"id,timestamp,price,") {
            return Some(Format::BybitTrades);
        }
        let envelope = if line.starts_with(b"{\"t\":") {
            Envelope::Jsonl
        } else if line.starts_with(b"ws") {
            Envelope::Text
        } else if line.starts_with(b"{") {
            Envelope::Bare
        } else {
            let digits = line
                .iter()
                .position(|b| !matches!(b, b'0'..=b'9' | b'.'))
                .unwrap_or(0);
            match line.get(digits) {
                Some(b':') if digits > 0 => Envelope::Text,
                Some(b' ') if digits > 0 => Envelope::Local,
                _ => return None,
            }
        };
        Some(Format::Frames {
            venue: venue_of(head)?,
            envelope,
        })
    }
}

fn venue_of(head: &[u8]) -> Option<Venue> {
    const MARKS: [(&[u8], Venue); 10] = [
        (b"\"exchange\":\"BYBIT", Venue::Bybit),
        (b"\"exchange\":\"BINANCE", Venue::Binance),
        (b"\"exchange\":\"OKX", Venue::Okx),
        (b"bybit.com", Venue::Bybit),
        (b"binance.com", Venue::Binance),
        (b"okx.com", Venue::Okx),
        (b"\"topic\":", Venue::Bybit),
        (b"\"stream\":", Venue::Binance),
        (b"\"e\":", Venue::Binance),
        (b"\"instId\":", Venue::Okx),
    ];
    MARKS
        .iter()
        .find(|(mark, _)| memchr::memmem::find(head, mark).is_some())
        .map(|(_, venue)| *venue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_of_its_own() {
        let names: Vec<String> = Format::all().map(Format::name).collect();
        assert_eq!(names.len(), 15);
        for (format, name) in Format::all().zip(&names) {
            assert_eq!(Format::of_name(name), Some(format));
        }
        assert_eq!(Format::of_name("bybit-"), None);
        assert_eq!(Format::of_name(""), None);
    }

    #[test]
    fn heads_tell_their_format() {
        for (head, name) in [
            ("{\"t\":\"header\",\"exchange\":\"OKX\"}\n", "okx-jsonl"),
            ("wss://stream.bybit.com/v5 <-> 1.5\n", "bybit-text"),
            ("1749833474.28: {\"topic\":\"x\"}\n", "bybit-text"),
            ("1723161255030314667 {\"stream\":\"x\"}\n", "binance-local"),
            ("{\"topic\":\"orderbook.500.X\"}\n", "bybit-bare"),
            ("timestamp,symbol,side\n", "bybit-trades-csv"),
            (
                "exchange,symbol,timestamp,local_timestamp,is_snapshot\n",
                "tardis-book-csv",
            ),
            (
                "exchange,symbol,timestamp,local_timestamp,id\n",
                "tardis-trades-csv",
            ),
        ] {
            assert_eq!(
                Format::detect(head.as_bytes()).map(Format::name).as_deref(),
                Some(name)
            );
        }
        assert_eq!(Format::detect(b"PK\x03\x04"), None);
        assert_eq!(Format::detect(b""), None);
    }
}
