//! CSV dumps: rows gathered into messages, columns found by their headers.

mod recordings;

use mmbot_feed::capture::{KIND_DELTA, KIND_GAP, KIND_SNAPSHOT};
use recordings::import;
use recordings::samples::grid;

const S: u8 = KIND_SNAPSHOT;
const D: u8 = KIND_DELTA;
const G: u8 = KIND_GAP;

const TARDIS_BOOK: &str = "\
exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount
x,BTCUSDT,1672531200000000,1672531200001000,false,bid,99.5,1
x,BTCUSDT,1672531200000100,1672531200001100,true,bid,100,1
x,BTCUSDT,1672531200000100,1672531200001100,true,ask,100.1,2.5
x,ETHUSDT,1672531200000150,1672531200001150,true,bid,9.123456,1
x,BTCUSDT,1672531200000200,1672531200001200,false,bid,100,0
x,BTCUSDT,1672531200000200,1672531200001200,false,bid,99.9,0.001
x,BTCUSDT,1672531200000300,1672531200001300,false,ask,100.1,-1
x,BTCUSDT,1672531200000400,1672531200001400,false,ask,100.1,3
x,BTCUSDT,1672531200000500,1672531200001500,true,bid,90,1
x,BTCUSDT,1672531200000600,1672531200001600,true,ask,91,1
";

#[test]
fn tardis_rows_are_gathered_into_messages() {
    let got = import(
        "tardis-book-csv",
        "BTCUSDT",
        None,
        grid(),
        &[TARDIS_BOOK.as_bytes()],
        11,
    );
    assert_eq!(got.book.kind, [S, S, D, D, G, S, S]);
    assert_eq!(got.book.px, [10_000, 10_010, 10_000, 9990, 0, 9000, 9100]);
    assert_eq!(got.book.qty, [1000, 2500, 0, 1, 0, 1000, 1000]);
    assert_eq!(got.book.ts_ns[0], 1_672_531_200_000_100_000);
    assert_eq!(got.book.recv_ns[0], 1_672_531_200_001_100_000);
    let id = &got.book.update_id;
    assert!(id[0] == id[1] && id[2] == id[3] && id[1] != id[2]);
    assert_eq!(id[5], id[6], "pieces of one snapshot are one packet");
    assert_eq!(
        (got.rejects, got.stats.foreign, got.stats.ignored),
        (1, 1, 2)
    );
}

#[test]
fn trade_dumps_are_read_by_their_headers() {
    let tardis = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n\
        x,BTCUSDT,1672531200000000,1672531200001000,a-1,sell,100.1,0.5\n\
        x,BTCUSDT,1672531200000000,1672531200001000,a-2,unknown,100.1,0.5\n\
        x,ETHUSDT,1672531200000000,1672531200001000,a-3,buy,100.1,0.5\n";
    let got = import(
        "tardis-trades-csv",
        "BTCUSDT",
        None,
        grid(),
        &[tardis.as_bytes()],
        13,
    );
    assert_eq!(got.trades.trade_id, ["a-1"]);
    assert_eq!(
        (got.trades.side[0], got.trades.px[0], got.trades.qty[0]),
        (1, 10_010, 500)
    );
    assert_eq!(got.trades.recv_ns, [1_672_531_200_001_000_000]);
    assert_eq!((got.rejects, got.stats.foreign), (1, 1));

    let bybit = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,\
        grossValue,homeNotional,foreignNotional\r\n\
        1672531201.5,BTCUSDT,Sell,0.042,6698.5,PlusTick,id-2,1.0,1,1\r\n\
        1672531200.0647,BTCUSDT,Buy,0.001,6698.51,PlusTick,id-1,1.0,1,1";
    let got = import(
        "bybit-trades-csv",
        "BTCUSDT",
        None,
        grid(),
        &[bybit.as_bytes()],
        13,
    );
    assert_eq!(
        got.trades.ts_ns,
        [1_672_531_201_500_000_000, 1_672_531_200_064_700_000]
    );
    assert_eq!(got.trades.side, [1, 0]);
    assert_eq!(got.stats.out_of_order, 1);

    let spot = "id,timestamp,price,volume,side\n7,1672531200123,17163.5,0.002913,buy\n";
    let got = import(
        "bybit-trades-csv",
        "BTCUSDT",
        None,
        grid(),
        &[spot.as_bytes()],
        13,
    );
    assert_eq!(
        (got.trades.px[0], got.trades.qty[0], got.stats.rounded),
        (1_716_350, 2, 1)
    );
}

#[test]
fn a_dump_without_its_columns_is_refused_line_by_line() {
    let data = "symbol,price\nBTCUSDT,1\n";
    for format in ["bybit-trades-csv", "tardis-book-csv", "tardis-trades-csv"] {
        let got = import(format, "BTCUSDT", None, grid(), &[data.as_bytes()], 100);
        assert_eq!((got.rejects, got.stats.trades, got.stats.rows), (2, 0, 0));
    }
}
