//! Randomness that is a function of its arguments. Floating point is fine here: these are no records but the weather
//! that the simulated makers set their prices in.

/// A number in 0..1 for a seed and a name.
pub(crate) fn unit(seed: u64, parts: &[u64]) -> f64 {
    (hash(seed, parts) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number in 0..`below`.
pub(crate) fn pick(seed: u64, parts: &[u64], below: usize) -> usize {
    usize::try_from(hash(seed, parts) % (below.max(1) as u64)).unwrap_or(0)
}

/// SplitMix64 over the parts.
pub(crate) fn hash(seed: u64, parts: &[u64]) -> u64 {
    let mut state = seed;
    for part in parts {
        state = mixed(state ^ mixed(*part));
    }
    mixed(state)
}

fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A smooth walk in -1..1 over time: waves from a quarter of an hour to a month laid over each other, each between
/// random heights at whole multiples of its length.
pub(crate) fn walk(seed: u64, second: i64) -> f64 {
    const WAVES: [(i64, f64); 5] =
        [(900, 0.04), (3_600 * 2, 0.10), (3_600 * 11, 0.20), (86_400 * 4, 0.30), (86_400 * 31, 0.36)];
    WAVES
        .iter()
        .zip(0_u64..)
        .map(|((length, height), wave)| height * wave_at(seed ^ wave, *length, second))
        .sum()
}

fn wave_at(seed: u64, length: i64, second: i64) -> f64 {
    let height = |knot: i64| 2.0 * unit(seed, &[length.unsigned_abs(), knot.unsigned_abs()]) - 1.0;
    let (knot, into) = (second.div_euclid(length), second.rem_euclid(length));
    let part = into as f64 / length as f64;
    let eased = part * part * (3.0 - 2.0 * part);
    height(knot) * (1.0 - eased) + height(knot + 1) * eased
}
