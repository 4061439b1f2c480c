//! `[["price","size"],...]`: the array that every venue writes.

use crate::decoded::{Decoded, Level};
use crate::error::FrameError;
use crate::grid::Grid;
use crate::scan::Scan;
use mmbot_types::{PriceTick, QtyLot, Side};

/// Appends the levels of one side. With `EXTRA`, elements after price and size are skipped (OKX
/// states order counts there, old Binance frames an empty array).
#[inline(always)]
pub(crate) fn read_levels<const EXTRA: bool>(
    scan: &mut Scan<'_>,
    side: Side,
    grid: &Grid,
    out: &mut Decoded,
) -> Result<(), FrameError> {
    scan.expect(b'[')?;
    let mut first = true;
    while scan.next_item(&mut first)? {
        scan.expect(b'[')?;
        let px = scan.price(&grid.tick)?;
        scan.expect(b',')?;
        let qty = scan.size(&grid.lot, &mut out.rounded)?;
        if EXTRA {
            while scan.try_take(b',') {
                scan.skip_value()?;
            }
        }
        scan.expect(b']')?;
        out.levels.push(Level {
            side,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
        });
    }
    Ok(())
}
