//! The colour of a new order: pinned ids are green, of the others a share of
//! `rollout.traffic_split_pct` gets the candidate's colour, chosen by SHA-1 of salt and client
//! order id. The colour depends on nothing else, so that it is the same after a restart and in a
//! replay. Nothing is allocated: the text of the id goes to the hash piece by piece.

use mmbot_types::{Color, RolloutParams, Side};
use sha1::{Digest, Sha1};
use std::fmt;

/// Digits of the largest 64-bit number in base 36.
const BASE36_DIGITS_MAX: usize = 13;

/// Number of an order within its session, as its client order id spells it: base 36, lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqText {
    digits: [u8; BASE36_DIGITS_MAX],
    first: usize,
}

impl SeqText {
    /// The text of `seq`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // below 36
    pub const fn new(seq: u64) -> Self {
        let mut text = Self {
            digits: [b'0'; BASE36_DIGITS_MAX],
            first: BASE36_DIGITS_MAX,
        };
        let mut left = seq;
        loop {
            text.first -= 1;
            text.digits[text.first] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(left % 36) as usize];
            left /= 36;
            if left == 0 {
                return text;
            }
        }
    }

    /// The digits, ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.first..).unwrap_or_default()
    }
}

impl fmt::Display for SeqText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
    }
}

/// Colour of the session's order number `seq`, whose id is `rollout.cid_prefix` and that number.
#[inline]
#[must_use]
pub fn color_of_seq(rollout: &RolloutParams, seq: u64) -> Color {
    if let Some(color) = color_of_all(rollout) {
        return color;
    }
    let prefix = rollout.cid_prefix.trim_start();
    color_of_parts(rollout, [prefix.as_bytes(), SeqText::new(seq).as_bytes()])
}

/// Colour of the order with client order id `cid`, which must not be blank (see
/// [`fallback_cid`]).
#[must_use]
pub fn color_of_cid(rollout: &RolloutParams, cid: &str) -> Color {
    color_of_all(rollout).unwrap_or_else(|| color_of_parts(rollout, [cid.trim().as_bytes(), &[]]))
}

/// What stands for the id of an order that has none.
#[must_use]
pub fn fallback_cid(symbol: &str, side: Side, price: f64, size: f64) -> String {
    let (symbol, side) = (symbol.to_ascii_uppercase(), side_name(side));
    let order = format!("{symbol}|{side}|{price:.8}|{size:.8}");
    let digest = Sha1::digest(order.as_bytes());
    let hex: String = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("fallback:h{hex}")
}

/// The colour that every order has, whatever its id.
#[inline]
#[must_use]
pub fn color_of_all(rollout: &RolloutParams) -> Option<Color> {
    match (rollout.traffic_split_pct, rollout.pinned_green.is_empty()) {
        (0, true) => Some(rollout.active),
        (100.., true) => Some(rollout.active.other()),
        _ => None,
    }
}

fn color_of_parts(rollout: &RolloutParams, cid: [&[u8]; 2]) -> Color {
    let text = || cid.into_iter().flatten();
    let pins = &rollout.pinned_green;
    let pinned = pins.binary_search_by(|pin| pin.as_bytes().iter().cmp(text()));
    if pinned.is_ok() {
        return Color::Green;
    }
    let candidate = match rollout.traffic_split_pct {
        0 => false,
        100.. => true,
        split => bucket(&rollout.salt, cid) < u32::from(split),
    };
    if candidate {
        rollout.active.other()
    } else {
        rollout.active
    }
}

/// The first 8 hex digits of SHA-1 of `salt|cid` (`cid` without a salt), modulo 100.
fn bucket(salt: &str, cid: [&[u8]; 2]) -> u32 {
    let mut hash = Sha1::new();
    if !salt.is_empty() {
        hash.update(salt.as_bytes());
        hash.update(b"|");
    }
    for part in cid {
        hash.update(part);
    }
    let digest = hash.finalize();
    let first = digest.iter().take(4);
    first.fold(0u32, |number, byte| number << 8 | u32::from(*byte)) % 100
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    const PREFIX: &str = "mm0a1bxyz01234-";

    fn rollout(split: u8, salt: &str, prefix: &str) -> RolloutParams {
        RolloutParams {
            traffic_split_pct: split,
            salt: salt.to_owned(),
            cid_prefix: prefix.to_owned(),
            ..RolloutParams::default()
        }
    }

    /// Smallest split at which the order is the candidate's, minus one: its bucket.
    fn bucket_of(salt: &str, prefix: &str, seq: u64) -> u8 {
        let green = |split: &u8| {
            let p = rollout(*split, salt, prefix);
            color_of_seq(&p, seq) == Color::Green
        };
        (0..=100).find(green).unwrap() - 1
    }

    /// Values made with Python: `int(hashlib.sha1(payload).hexdigest()[:8], 16) % 100`.
    ///
    /// spec: 04-2/3, 04-2/4
    #[test]
    fn buckets_are_those_of_the_reference_implementation() {
        let long = "s".repeat(64);
        let rows = [
            ("default", PREFIX, 0, "0", 11),
            ("default", PREFIX, 1, "1", 90),
            ("default", PREFIX, 35, "z", 31),
            ("default", PREFIX, 36, "10", 5),
            ("default", PREFIX, 46_655, "zzz", 46),
            ("", PREFIX, 46_656, "1000", 30),
            (&long, PREFIX, 123_456_789, "21i3v9", 73),
            ("x", "", u64::MAX, "3w5e11264sgsf", 53),
            ("", "", 7, "7", 85),
        ];
        for (salt, prefix, seq, digits, bucket) in rows {
            assert_eq!(SeqText::new(seq).to_string(), digits);
            assert_eq!(
                bucket_of(salt, prefix, seq),
                bucket,
                "{salt} {prefix} {seq}"
            );
        }
    }

    /// spec: 04-2
    #[test]
    fn the_share_of_the_candidate_is_the_split() {
        let p = rollout(25, "default", PREFIX);
        let green = (0..20_000).filter(|seq| color_of_seq(&p, *seq) == Color::Green);
        assert_eq!(
            green.count(),
            5_075,
            "counted with Python over the same ids"
        );
        for (split, color) in [(0, Color::Blue), (100, Color::Green)] {
            let p = rollout(split, "default", PREFIX);
            assert!((0..500).all(|seq| color_of_seq(&p, seq) == color));
        }
    }

    /// spec: 04-2/2
    #[test]
    fn pinned_ids_are_green_whatever_the_split_and_the_baseline() {
        for (split, active) in [(0, Color::Blue), (0, Color::Green), (100, Color::Green)] {
            let mut p = rollout(split, "default", PREFIX);
            p.active = active;
            p.pinned_green = Arc::from([format!("{PREFIX}10"), format!("{PREFIX}z")]);
            let rest = if split == 0 { active } else { active.other() };
            assert_eq!(color_of_seq(&p, 35), Color::Green);
            assert_eq!(color_of_seq(&p, 36), Color::Green);
            assert_eq!(color_of_seq(&p, 37), rest, "{split} {active:?}");
            assert_eq!(color_of_cid(&p, &format!(" {PREFIX}z\n")), Color::Green);
            assert_eq!(color_of_cid(&p, PREFIX), rest);
        }
    }

    /// spec: 04-2/1
    #[test]
    fn an_order_without_an_id_is_known_by_what_it_is() {
        let rows = [
            (
                "btcusdt",
                Side::Buy,
                50_000.1,
                0.001,
                "fallback:h7a80b4000d53",
            ),
            (
                "ETHUSDT",
                Side::Sell,
                1.0 / 3.0,
                2.5,
                "fallback:h55acf6fb0777",
            ),
            (
                "DOGEUSDT",
                Side::Buy,
                0.123_456_785,
                1e6,
                "fallback:h28688db4273d",
            ),
        ];
        for (symbol, side, price, size, cid) in rows {
            assert_eq!(fallback_cid(symbol, side, price, size), cid);
        }
    }

    proptest! {
        /// spec: 04-2
        #[test]
        fn a_number_and_the_text_of_its_id_have_one_colour(
            seq in any::<u64>(),
            split in 0u8..=100,
            salt in "[a-z]{0,64}",
            pins in prop::collection::btree_set(0u64..40, 0..5),
        ) {
            let mut p = rollout(split, &salt, PREFIX);
            let text = |seq: &u64| format!("{PREFIX}{}", SeqText::new(*seq));
            let mut texts: Vec<_> = pins.iter().map(text).collect();
            texts.sort();
            p.pinned_green = texts.into();
            for seq in [seq, seq % 40] {
                let cid = format!("{PREFIX}{}", SeqText::new(seq));
                prop_assert_eq!(u64::from_str_radix(&SeqText::new(seq).to_string(), 36), Ok(seq));
                prop_assert_eq!(color_of_seq(&p, seq), color_of_cid(&p, &cid));
                if pins.contains(&seq) {
                    prop_assert_eq!(color_of_seq(&p, seq), Color::Green);
                }
            }
        }

        /// spec: 04-2
        #[test]
        fn a_larger_split_takes_orders_over_and_gives_none_back(
            seq in any::<u64>(),
            low in 0u8..=100,
            more in 0u8..=100,
        ) {
            let high = low.saturating_add(more).min(100);
            let color = |split| color_of_seq(&rollout(split, "default", PREFIX), seq);
            prop_assert!(color(low) == Color::Blue || color(high) == Color::Green);
        }
    }
}
