//! Scales for one sub-block: many are tried, and for each the best fit in weighted least squares is taken.
//!
//! For given quants the best scale (and minimum) is a small linear problem; for a given scale the best quants are the
//! nearest ones. So: take quants from a trial scale, solve for the scale, keep the best.

/// Below this every weight decodes to zero: half of the smallest half-precision number, of which scales are multiples.
const NOTHING: f32 = 1.0 / (1u32 << 25) as f32;

/// The nearest integer, ties to even, for `|x| < 2^22`: adding 1.5 * 2^23 leaves no bits for a fraction. Unlike
/// `round`, this compiles to two instructions for four numbers at once.
#[inline(always)]
pub(super) fn nearest(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

/// How much each weight's squared error counts, about 1: large weights move a product more than small ones, so their
/// own square counts `share` times beside the mean square.
#[inline(always)]
pub(super) fn importance<const N: usize>(x: &[f32; N], share: f32) -> [f32; N] {
    let mean = x.iter().map(|x| x * x).sum::<f32>() / N as f32;
    let share = if mean > 0.0 { share / mean } else { 0.0 };
    std::array::from_fn(|i| 1.0 + share * x[i] * x[i])
}

/// Weighted squared error of `x` against `scale * q + low`, with the nearest q in `from ..= to`.
#[inline(always)]
pub(super) fn error<const N: usize>(x: &[f32; N], w: &[f32; N], scale: f32, low: f32, from: f32, to: f32) -> f32 {
    let inverse = inverse(scale);
    let mut sum = 0.0;
    for i in 0..N {
        let q = nearest(((x[i] - low) * inverse).clamp(from, to));
        let off = x[i] - (scale * q + low);
        sum += w[i] * off * off;
    }
    sum
}

/// The nearest quants, as [`error`] takes them.
#[inline(always)]
pub(super) fn quants<const N: usize>(x: &[f32; N], scale: f32, low: f32, from: f32, to: f32) -> [f32; N] {
    let inverse = inverse(scale);
    std::array::from_fn(|i| nearest(((x[i] - low) * inverse).clamp(from, to)))
}

/// 0 where a scale is zero: then quants do not matter.
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// The best found scale for `x = scale * q`, q in `-n ..= n - 1`; of either sign, because one side has a step more.
pub(super) fn symmetric<const N: usize>(x: &[f32; N], w: &[f32; N], n: f32) -> f32 {
    /// Trials for each sign; the extreme weight lands up to a step inside or outside the last quant.
    const TRIALS: i32 = 9;
    let extreme = x.iter().fold(0f32, |a, &x| if x.abs() > a.abs() { x } else { a });
    if extreme.abs() < NOTHING {
        return 0.0;
    }
    let mut best = (0.0, 0.0);
    for trial in -TRIALS..=TRIALS {
        let place = n + trial as f32 * 0.1;
        for place in [-place, place - 1.0] {
            let mut scale = extreme / place;
            // Twice: the solution's own nearest quants may be better still.
            for _ in 0..2 {
                let q = quants(x, scale, 0.0, -n, n - 1.0);
                let (mut xq, mut qq) = (0.0, 0.0);
                for i in 0..N {
                    xq += w[i] * x[i] * q[i];
                    qq += w[i] * q[i] * q[i];
                }
                // What the fit takes away from the error.
                if qq > 0.0 && xq * xq > best.0 * qq {
                    best = (xq * xq / qq, xq / qq);
                }
                if qq > 0.0 && xq != 0.0 {
                    scale = xq / qq;
                }
            }
        }
    }
    best.1
}

/// The best found `(scale, low)` for `x = scale * q + low`, q in `0 ..= n`, `scale >= 0`, `low <= 0`.
pub(super) fn affine<const N: usize>(x: &[f32; N], w: &[f32; N], n: f32) -> (f32, f32) {
    /// Trials: the range is cut into `n - 1` to `n + 1` steps, or so.
    const TRIALS: i32 = 20;
    let low = x.iter().fold(0f32, |a, &x| a.min(x));
    let high = x.iter().fold(f32::NEG_INFINITY, |a, &x| a.max(x));
    let span = high - low;
    if span < NOTHING {
        return (0.0, low);
    }
    let mut best = (f32::INFINITY, 0.0, low);
    for trial in 0..=TRIALS {
        let (mut s, mut l) = (span / (n - 1.0 + trial as f32 * 0.1), low);
        for _ in 0..2 {
            let Some(fit) = line(x, w, &quants(x, s, l, 0.0, n)) else {
                break;
            };
            (s, l) = fit;
            let e = error(x, w, s, l, 0.0, n);
            if e < best.0 {
                best = (e, s, l);
            }
        }
    }
    (best.1, best.2)
}

/// The line `scale * q + low` nearest to `x`, with `low <= 0`; none when it does not rise. Equal quants leave it open:
/// then it goes through zero.
fn line<const N: usize>(x: &[f32; N], w: &[f32; N], q: &[f32; N]) -> Option<(f32, f32)> {
    let (mut sw, mut sx, mut sq, mut xq, mut qq) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for i in 0..N {
        let wq = w[i] * q[i];
        sw += w[i];
        sx += w[i] * x[i];
        sq += wq;
        xq += wq * x[i];
        qq += wq * q[i];
    }
    let determinant = sw * qq - sq * sq;
    let low = (qq * sx - sq * xq) / determinant;
    // Equal quants give a determinant of zero but for rounding, and then any `low`.
    let (scale, low) = if determinant <= 1e-6 * sw * qq || low > 0.0 {
        (xq / qq, 0.0)
    } else {
        ((sw * xq - sq * sx) / determinant, low)
    };
    (scale > 0.0 && scale.is_finite()).then_some((scale, low))
}
