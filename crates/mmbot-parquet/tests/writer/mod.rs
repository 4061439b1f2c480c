//! The naive twin: writes pages number by number and bit by bit.

/// Appends a number of 7 bits a byte.
pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Numbers of `width` bits, low bits first.
pub fn packed(numbers: &[u64], width: u32) -> Vec<u8> {
    let mut out = vec![0; (numbers.len() * width as usize).div_ceil(8)];
    for (i, number) in numbers.iter().enumerate() {
        for bit in 0..width as usize {
            if number >> bit & 1 == 1 {
                let at = i * width as usize + bit;
                out[at / 8] |= 1 << (at % 8);
            }
        }
    }
    out
}

/// Runs and packed groups in turn; `cuts` says how many numbers each takes at most.
pub fn hybrid(numbers: &[u64], width: u32, cuts: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut cuts = cuts.iter().cycle();
    while at < numbers.len() {
        let rest = &numbers[at..];
        let equal = rest.iter().take_while(|number| **number == rest[0]).count();
        let cut = *cuts.next().unwrap();
        if equal > 1 && cut % 2 == 0 {
            let count = equal.min(cut.max(1));
            varint(&mut out, (count as u64) << 1);
            out.extend_from_slice(&rest[0].to_le_bytes()[..width.div_ceil(8) as usize]);
            at += count;
        } else {
            // a packed run ends inside the numbers only where a group of eight does
            let groups = (cut / 8 + 1).min(rest.len().div_ceil(8));
            let mut group = rest[..rest.len().min(groups * 8)].to_vec();
            at += group.len();
            group.resize(groups * 8, 0);
            varint(&mut out, (groups as u64) << 1 | 1);
            out.extend(packed(&group, width));
        }
    }
    out
}

/// DELTA_BINARY_PACKED.
pub fn delta(values: &[i64], minis: usize, mini_values: usize) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, (minis * mini_values) as u64);
    varint(&mut out, minis as u64);
    varint(&mut out, values.len() as u64);
    varint(&mut out, zigzag(values.first().copied().unwrap_or(0)));
    let deltas: Vec<i64> = values.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
    for block in deltas.chunks(minis * mini_values) {
        let smallest = *block.iter().min().unwrap();
        varint(&mut out, zigzag(smallest));
        let minis_of: Vec<Vec<u64>> = block
            .chunks(mini_values)
            .map(|mini| {
                let mut mini: Vec<u64> = mini
                    .iter()
                    .map(|delta| delta.wrapping_sub(smallest) as u64)
                    .collect();
                mini.resize(mini_values, 0);
                mini
            })
            .collect();
        let width = |mini: &Vec<u64>| 64 - mini.iter().max().unwrap().leading_zeros();
        for at in 0..minis {
            out.push(minis_of.get(at).map_or(0, width) as u8);
        }
        for mini in &minis_of {
            out.extend(packed(mini, width(mini)));
        }
    }
    out
}

/// A page header; `fields` of the structure with id `inner`: a number, or a bool for `None`.
pub fn header(kind: i64, plain: usize, stored: usize, inner: u8, fields: &[(u8, i64)]) -> Vec<u8> {
    let mut out = Vec::new();
    let int = |out: &mut Vec<u8>, step: u8, value: i64| {
        out.push(step << 4 | 5);
        varint(out, zigzag(value));
    };
    int(&mut out, 1, kind);
    int(&mut out, 1, plain as i64);
    int(&mut out, 1, stored as i64);
    // a checksum, which readers may pass over
    int(&mut out, 1, 0x1234_5678);
    out.push((inner - 4) << 4 | 12);
    let mut last = 0;
    for (id, value) in fields {
        int(&mut out, id - last, *value);
        last = *id;
    }
    out.extend([0, 0]);
    out
}
