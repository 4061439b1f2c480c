//! Bytes of version 1, written down: a journal of today must be readable for as long as the version
//! stands.

use mmbot_types::journal::{Reader, Record, Writer};
use mmbot_types::{
    Action, Cause, Cid, EventRow, ExecPrice, ExecReport, InstrumentIdx, Liquidity, Money, NewOrder,
    PriceTick, QtyLot, ReportKind, RowKind, Side, TimeInForce, TsNs,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn row(kind: RowKind, side: Side, px: i64, ts_local: i64) -> EventRow {
    EventRow {
        kind,
        side,
        last: true,
        px: PriceTick::new(px),
        qty: QtyLot::new(300),
        ts_exch: TsNs::new(5_000_000),
        ts_local: TsNs::new(ts_local),
    }
}

#[test]
fn the_bytes_of_version_one_stay() {
    let instrument = InstrumentIdx(1);
    let ts = TsNs::new(6_000_000);
    let records = [
        Record::Decide { instrument, ts },
        Record::Intent {
            instrument,
            ts,
            action: Action::Place(NewOrder {
                cid: Cid::new(9),
                side: Side::Sell,
                px: PriceTick::new(100),
                qty: QtyLot::new(2),
                tif: TimeInForce::PostOnly,
            }),
            cause: Cause::Quote,
            full_cid: 300,
        },
        Record::Report {
            instrument,
            ts,
            report: ExecReport {
                cid: Cid::new(9),
                ts_exch: TsNs::new(5_000_000),
                kind: ReportKind::Filled {
                    px: ExecPrice::new(-1),
                    qty: QtyLot::new(2),
                    cum_qty: QtyLot::new(2),
                    liquidity: Liquidity::Maker,
                    fee: Money::new(-65),
                },
            },
        },
        Record::MarketRows {
            instrument,
            rows: vec![
                row(RowKind::Depth, Side::Buy, 99, 6_000_000),
                row(RowKind::Trade, Side::Sell, 98, 6_000_001),
                row(RowKind::Depth, Side::Sell, 101, 6_000_001),
            ],
        },
    ];
    let mut writer = Writer::new(2);
    for record in &records {
        writer.append(record).unwrap();
    }
    let frames: Vec<String> = Reader::new(writer.pending())
        .map(|entry| {
            let mut out = Vec::new();
            mmbot_types::journal::encode(&entry.unwrap().record, &mut out);
            hex(&out)
        })
        .collect();
    assert_eq!(
        frames,
        [
            // kind, instrument, time (8 bytes), then the fields
            "0601808d5b0000000000",
            // place, cid, side, price, quantity, time in force, cause, full cid
            "0c01808d5b0000000000000901c801040109ac02",
            // cid, age, filled, price, quantity, filled so far, maker, fee
            "0501808d5b00000000000980897a06010404008101",
            // count, first time, then flags, both times (not in the last row), price, quantity
            "040103808d5b0000000000680001c601ac022d020001ac021c06ac02",
        ]
    );
}

#[test]
fn the_bytes_of_what_is_found_out_at_the_venue_stay() {
    let instrument = InstrumentIdx(1);
    let ts = TsNs::new(6_000_000);
    let records = [
        Record::Unanswered {
            instrument,
            ts,
            cid: Cid::new(300),
        },
        Record::Adopt {
            instrument,
            ts,
            position: QtyLot::new(-2),
            px: ExecPrice::new(65),
        },
        Record::Hold {
            instrument,
            ts,
            on: true,
        },
        Record::Interrupted {
            instrument,
            ts,
            cid: Cid::new(300),
        },
    ];
    let frames = records.each_ref().map(|record| {
        let mut out = Vec::new();
        mmbot_types::journal::encode(record, &mut out);
        hex(&out)
    });
    assert_eq!(
        frames,
        [
            // cid; position, price; on; cid
            "4001808d5b0000000000ac02",
            "4101808d5b0000000000038201",
            "4201808d5b000000000001",
            "4301808d5b0000000000ac02",
        ]
    );
}
