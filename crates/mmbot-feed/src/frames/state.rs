//! What both sides know of the numbers behind a piece of text: how they are written, what the next
//! one is likely to be. Only coded numbers change it, so both sides always agree.

/// How numbers of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Always with so many digits behind the point; `None`: never with a point.
    Fixed(Option<u8>),
    /// With at most so many digits behind the point, zeros at the end left out.
    Trimmed(u8),
}

impl Style {
    /// Digits behind the point of the column's integers.
    pub(super) const fn scale(self) -> u8 {
        match self {
            Self::Fixed(Some(decimals)) | Self::Trimmed(decimals) => decimals,
            Self::Fixed(None) => 0,
        }
    }
}

/// The numbers that came in this frame so far: the last one and the one before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recent {
    pub(super) last: i64,
    pub(super) before: i64,
}

impl Recent {
    #[inline]
    pub(super) const fn push(&mut self, value: i64) {
        self.before = self.last;
        self.last = value;
    }
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) style: Style,
    last: i64,
    costs: [u32; 3],
}

impl Default for Column {
    fn default() -> Self {
        Self {
            style: Style::Fixed(None),
            last: 0,
            costs: [0; 3],
        }
    }
}

impl Column {
    /// The best guess so far: the column's last number, the frame's last but one (prices of a
    /// side stand with a quantity between them), or nothing at all (quantities).
    #[inline]
    pub(super) fn guess(&self, recent: Recent) -> i64 {
        let [column, frame, nothing] = self.costs;
        if column <= frame && column <= nothing {
            self.last
        } else if frame <= nothing {
            recent.before
        } else {
            0
        }
    }

    /// Learns the number that came.
    #[inline]
    pub(super) fn learn(&mut self, value: i64, recent: Recent) {
        for (cost, guess) in self.costs.iter_mut().zip([self.last, recent.before, 0]) {
            let bits = 64 - super::varint::zigzag(value.wrapping_sub(guess)).leading_zeros();
            // a decaying sum: about the last eight numbers count
            *cost = *cost - *cost / 8 + bits * 16;
        }
        self.last = value;
    }

    /// Takes another style; the last number moves to the new scale.
    pub(super) fn restyle(&mut self, style: Style) {
        let (old, new) = (self.style.scale(), style.scale());
        self.last = if new >= old {
            self.last.wrapping_mul(power(new - old))
        } else {
            self.last / power(old - new)
        };
        self.style = style;
    }
}

/// 10 to a power of at most 18, else 1.
pub(super) const fn power(exponent: u8) -> i64 {
    match 10_i64.checked_pow(exponent as u32) {
        Some(power) => power,
        None => 1,
    }
}
