//! Lines of CSV dumps: prints one by one, book rows gathered into the messages that they came in.

use super::{CaptureDecoder, Header};
use crate::bybit_csv::{self, BybitTradeColumns};
use crate::capture::format::Format;
use crate::capture::track::BookFrame;
use crate::decoded::{Target, TradeRow, UpdateIds};
use crate::error::FrameError;
use crate::tardis::{self, TardisColumns};
use crate::top::BookSink;

/// What the rows of one CSV message share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message {
    ts_ns: i64,
    recv_ns: i64,
    is_snapshot: bool,
}

impl<B: BookSink> CaptureDecoder<B> {
    pub(super) fn on_header(&mut self, line: &[u8]) -> Result<(), FrameError> {
        self.header = match self.format {
            Format::BybitTrades => Header::Bybit(BybitTradeColumns::of_header(line)?),
            Format::TardisBook => Header::Tardis(TardisColumns::of_book_header(line)?),
            Format::TardisTrades => Header::Tardis(TardisColumns::of_trades_header(line)?),
            Format::Frames { .. } => Header::NotNeeded,
        };
        Ok(())
    }

    pub(super) fn on_bybit_trade(
        &mut self,
        line: &[u8],
        at: &BybitTradeColumns,
    ) -> Result<(), FrameError> {
        let target = Target {
            symbol: Some(&self.symbol),
            grid: &self.grid,
        };
        match bybit_csv::decode_line(line, at, &target, &mut self.stats.rounded)? {
            Some(trade) => self.push_csv_trade(&trade, None, line),
            None => self.stats.foreign += 1,
        }
        Ok(())
    }

    pub(super) fn on_tardis_trade(
        &mut self,
        line: &[u8],
        at: &TardisColumns,
    ) -> Result<(), FrameError> {
        let target = Target {
            symbol: Some(&self.symbol),
            grid: &self.grid,
        };
        match tardis::decode_trade_line(line, at, &target, &mut self.stats.rounded)? {
            Some(row) => self.push_csv_trade(&row.trade, Some(row.ts_local.get()), line),
            None => self.stats.foreign += 1,
        }
        Ok(())
    }

    fn push_csv_trade(&mut self, trade: &TradeRow, recv_ns: Option<i64>, line: &[u8]) {
        self.stats.trade_frames += 1;
        self.push_trade(trade, recv_ns, trade.id.of(line));
    }

    pub(super) fn on_tardis_level(
        &mut self,
        line: &[u8],
        at: &TardisColumns,
    ) -> Result<(), FrameError> {
        let target = Target {
            symbol: Some(&self.symbol),
            grid: &self.grid,
        };
        let row = match tardis::decode_book_line(line, at, &target, &mut self.stats.rounded) {
            Ok(Some(row)) => row,
            Ok(None) => {
                self.stats.foreign += 1;
                return Ok(());
            }
            Err(error) => {
                // a row of the book is lost, and no number would show it
                self.flush_message();
                self.track.on_break(None, &mut self.book);
                return Err(error);
            }
        };
        let message = Message {
            ts_ns: row.ts_exch.get(),
            recv_ns: row.ts_local.get(),
            is_snapshot: row.is_snapshot,
        };
        if self.message != Some(message) {
            self.flush_message();
            self.message = Some(message);
        }
        self.levels.push(row.level);
        Ok(())
    }

    pub(super) fn flush_message(&mut self) {
        let Some(message) = self.message.take() else {
            return;
        };
        let frame = BookFrame {
            ids: UpdateIds::default(),
            is_snapshot: message.is_snapshot,
            ts_ns: Some(message.ts_ns),
            recv_ns: Some(message.recv_ns),
            levels: &self.levels,
        };
        self.track.on_frame(&frame, &mut self.book, &mut self.stats);
        self.levels.clear();
    }
}
