//! One record, there and back.

use crate::arbitrary::{market, record};
use mmbot_types::journal::{
    Coded, Control, FORMAT_VERSION, Fault, Header, Mode, ROWS_MAX, Record, RecordKind, Writer,
    decode, encode,
};
use mmbot_types::{
    EventRow, InstrumentIdx, KillCause, PriceTick, QtyLot, RiskGrade, RowKind, Side, TsNs,
};
use proptest::prelude::*;

fn bytes_of(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    encode(record, &mut out);
    out
}

fn row(kind: RowKind, px: i64, ts_exch: i64, ts_local: i64) -> EventRow {
    EventRow {
        kind,
        side: Side::Buy,
        last: false,
        px: PriceTick::new(px),
        qty: QtyLot::new(7),
        ts_exch: TsNs::new(ts_exch),
        ts_local: TsNs::new(ts_local),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// spec: 08-5.4
    #[test]
    fn a_record_comes_back_bit_for_bit(record in record()) {
        let bytes = bytes_of(&record);
        let back = decode(&bytes).unwrap();
        // debug text tells records with NaN apart, which are not equal to themselves
        prop_assert_eq!(format!("{back:?}"), format!("{record:?}"));
        prop_assert_eq!(bytes_of(&back), bytes);
    }

    #[test]
    fn a_record_that_ends_early_or_late_is_refused(record in record(), extra in any::<u8>()) {
        let mut bytes = bytes_of(&record);
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end]).unwrap_err();
            prop_assert!(error.offset <= end as u64);
        }
        bytes.push(extra);
        prop_assert!(decode(&bytes).is_err());
    }

    /// Whatever the bytes are: what is accepted is exactly what a writer would have written.
    #[test]
    fn a_record_has_one_form(record in record(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = bytes_of(&record);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(changed) = decode(&bytes) {
            prop_assert_eq!(bytes_of(&changed), bytes);
        }
    }

    #[test]
    fn noise_is_refused_or_is_a_record(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(record) = decode(&bytes) {
            prop_assert_eq!(bytes_of(&record), bytes);
        }
    }

    #[test]
    fn rows_of_a_market_are_small(rows in market()) {
        let count = rows.len();
        let bytes = bytes_of(&Record::MarketRows { instrument: InstrumentIdx(0), rows });
        // flag 1, times at most 5 each, price 1 after the first, size at most 3
        prop_assert!(bytes.len() <= 24 + 15 * count);
    }
}

#[test]
fn every_kind_has_its_code_in_front() {
    for kind in RecordKind::VARIANTS {
        assert_ne!(kind.code(), 0, "zeros must not read as a record");
    }
    let note = Record::Note {
        ts: TsNs::new(1),
        text: "x".into(),
    };
    assert_eq!(bytes_of(&note), [14, 1, 0, 0, 0, 0, 0, 0, 0, 1, b'x']);
}

/// Codes of controls are for ever: those that sessions wrote before there were more of them, and
/// those of today.
///
/// spec: 08-5.4
#[test]
fn controls_keep_their_bytes() {
    let written = |control: Control| {
        let ts = TsNs::ZERO;
        bytes_of(&Record::Control { ts, control })[9..].to_vec()
    };
    let venue_kill = Control::Kill {
        cause: KillCause::Venue,
        reason: "ban".into(),
    };
    let rows = [
        (Control::Stop, vec![0]),
        (Control::KeepOrders, vec![1]),
        (Control::Resume, vec![2]),
        (Control::operator_kill(), vec![3]),
        (Control::Grade(Some(RiskGrade::Flat)), vec![4, 3]),
        (Control::Grade(None), vec![5]),
        (venue_kill, vec![6, 2, 3, b'b', b'a', b'n']),
        (Control::ManualPause(true), vec![7, 1]),
        (Control::GuardDryRun(false), vec![8, 0]),
        (Control::Leader(true), vec![9, 1]),
        (Control::AutopolicyLevel(300), vec![10, 0xac, 2]),
        (Control::AutopolicyReset, vec![11]),
        (Control::AutopolicyEnabled(true), vec![12, 1]),
        (Control::ThrottleLoad(Box::default()), vec![13, 0, 0]),
        (Control::ThrottleClear, vec![14]),
        (Control::ThrottleReset, vec![15]),
        (
            Control::BackoffMaxSeed(0.0),
            vec![16, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            Control::HighWaterMark(2.0),
            vec![17, 0, 0, 0, 0, 0, 0, 0, 0x40],
        ),
        (Control::CostCalibration(Vec::new()), vec![18, 0]),
        (Control::StorageHold(true), vec![20, 1]),
        (Control::LiftKill, vec![21]),
        (Control::LiftStop, vec![22]),
    ];
    for (control, bytes) in rows {
        assert_eq!(written(control.clone()), bytes, "{control:?}");
    }
    let day = written(Control::DayTotals(Box::default()));
    assert_eq!((day[0], day.len()), (19, 1 + 1 + 8 + 8 + 1 + 3));
}

/// A kill by an operator who gives no reason has the short form only; windows stand in order.
#[test]
fn a_control_has_one_form() {
    let control = |tail: &[u8]| {
        let mut bytes = vec![11, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend_from_slice(tail);
        decode(&bytes).map_err(|error| error.what)
    };
    assert_eq!(control(&[6, 0, 0]).unwrap_err(), Fault::Form("kill"));
    assert!(control(&[6, 1, 0]).is_ok());
    let rings = [0u8; 9];
    let windows = |names: [u8; 2]| {
        let mut bytes = vec![13, 1, 2];
        for name in names {
            bytes.extend_from_slice(&[1, name]);
            bytes.extend_from_slice(&rings);
        }
        bytes
    };
    assert!(control(&windows([b'a', b'b'])).is_ok());
    for names in [[b'b', b'a'], [b'a', b'a']] {
        assert_eq!(
            control(&windows(names)).unwrap_err(),
            Fault::Form("windows")
        );
    }
    let switch = Fault::Code {
        field: "switch",
        code: 2,
    };
    assert_eq!(control(&[7, 2]).unwrap_err(), switch);
    let unknown = Fault::Code {
        field: "control",
        code: 64,
    };
    assert_eq!(control(&[64]).unwrap_err(), unknown);
}

#[test]
fn a_row_of_a_packet_takes_three_bytes() {
    let t = 1_754_000_000_000_000_000;
    let rows = |count: i64| Record::MarketRows {
        instrument: InstrumentIdx(3),
        rows: (0..count)
            .map(|i| row(RowKind::Depth, 641_230 - i, t, t + 5_000_000))
            .collect(),
    };
    assert_eq!(bytes_of(&rows(12)).len() - bytes_of(&rows(2)).len(), 30);
}

#[test]
fn rows_without_a_price_do_not_disturb_those_with_one() {
    let t = 1_754_000_000_000_000_000;
    let with = |between: &[EventRow]| {
        let mut rows = vec![row(RowKind::Depth, 641_230, t, t)];
        rows.extend_from_slice(between);
        rows.push(row(RowKind::Depth, 641_231, t, t));
        bytes_of(&Record::MarketRows {
            instrument: InstrumentIdx(0),
            rows,
        })
        .len()
    };
    assert_eq!(with(&[row(RowKind::Gap, 0, t, t)]), with(&[]) + 3);
}

#[test]
fn the_ends_of_all_ranges_come_back() {
    let mut rows = Vec::new();
    for a in [i64::MIN, -1, 0, 1, i64::MAX] {
        for b in [i64::MIN, 0, i64::MAX] {
            rows.push(row(RowKind::Trade, a, b, a));
            rows.push(row(RowKind::Reset, b, a, b));
        }
    }
    let record = Record::MarketRows {
        instrument: InstrumentIdx(u16::MAX),
        rows,
    };
    assert_eq!(decode(&bytes_of(&record)).unwrap(), record);
}

#[test]
fn another_format_is_refused_by_its_number() {
    let header = |format| {
        Record::Header(Box::new(Header {
            format,
            session_id: "s".into(),
            mode: Mode::Sim,
            created: TsNs::ZERO,
            seed: 1,
            cid_prefix: "mm-".into(),
            instruments: Vec::new(),
            config: b"{}".to_vec(),
        }))
    };
    assert!(decode(&bytes_of(&header(FORMAT_VERSION))).is_ok());
    let error = decode(&bytes_of(&header(9))).unwrap_err();
    assert_eq!((error.offset, error.what), (1, Fault::Version(9)));
    assert_eq!(
        error.to_string(),
        "offset=1 journal format 9 is not supported"
    );
}

#[test]
fn counts_do_not_reserve_memory_that_the_bytes_cannot_fill() {
    // market rows of instrument 0, 2^60 of them
    let mut bytes = vec![4, 0];
    bytes.extend_from_slice(&[0x80; 8]);
    bytes.push(0x10);
    assert_eq!(decode(&bytes).unwrap_err().what, Fault::Count("rows"));
}

#[test]
fn a_writer_splits_rows_and_refuses_what_does_not_fit() {
    let many: Vec<EventRow> = (0..ROWS_MAX as i64 + 5)
        .map(|i| row(RowKind::Depth, i, i, i))
        .collect();
    let mut writer = Writer::new(4);
    let too_many = Record::MarketRows {
        instrument: InstrumentIdx(0),
        rows: many.clone(),
    };
    let error = writer.append(&too_many).unwrap_err();
    assert_eq!(error.what, Fault::Count("rows"));
    let long = Record::Note {
        ts: TsNs::ZERO,
        text: "x".repeat(5 << 20),
    };
    assert!(matches!(
        writer.append(&long).unwrap_err().what,
        Fault::TooLong(_)
    ));
    assert!(writer.pending().is_empty());
    writer.append_rows(InstrumentIdx(0), &many).unwrap();
    writer.append_rows(InstrumentIdx(0), &[]).unwrap();
    assert_eq!(writer.next_seq(), 6);
    let read: Vec<EventRow> = mmbot_types::journal::Reader::new(writer.pending())
        .flat_map(|entry| match entry.unwrap().record {
            Record::MarketRows { rows, .. } => rows,
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(read, many);
}
