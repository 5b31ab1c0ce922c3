//! Every operation in plain Rust: the twin of the others, and what runs where there is nothing better.
//!
//! `Plain<false>` is the twin of a machine without a byte dot.

use super::{Simd, array, array_mut};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Plain<const BYTE_DOT: bool>;

/// Sixteen bytes.
type V = [u8; 16];

#[inline(always)]
fn i32s(v: V) -> [i32; 4] {
    bytemuck::cast(v)
}

#[inline(always)]
fn f32s(v: V) -> [f32; 4] {
    bytemuck::cast(v)
}

#[inline(always)]
fn i16s(v: V) -> [i16; 8] {
    bytemuck::cast(v)
}

#[inline(always)]
fn map2<T: bytemuck::Pod, U: bytemuck::Pod + Default, const N: usize>(
    a: [T; N],
    b: [T; N],
    f: impl Fn(T, T) -> U,
) -> [U; N] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[inline(always)]
fn mask(b: bool) -> u32 {
    if b { u32::MAX } else { 0 }
}

impl<const BYTE_DOT: bool> Simd for Plain<BYTE_DOT> {
    type V = V;
    const BYTE_DOT: bool = BYTE_DOT;

    #[inline(always)]
    fn load(bytes: &[u8], at: usize) -> V {
        *array(bytes, at)
    }
    #[inline(always)]
    fn load_f32(values: &[f32], at: usize) -> V {
        bytemuck::cast(*array::<f32, 4>(values, at))
    }
    #[inline(always)]
    fn store_f32(values: &mut [f32], at: usize, v: V) {
        *array_mut(values, at) = f32s(v);
    }
    #[inline(always)]
    fn store(bytes: &mut [u8], at: usize, v: V) {
        *array_mut(bytes, at) = v;
    }
    #[inline(always)]
    fn splat_4(bytes: &[u8], at: usize) -> V {
        bytemuck::cast([*array::<u8, 4>(bytes, at); 4])
    }
    #[inline(always)]
    fn load_u16x4(bytes: &[u8], at: usize) -> V {
        let b: &[u8; 8] = array(bytes, at);
        bytemuck::cast::<[u32; 4], V>(std::array::from_fn(|i| {
            u16::from_le_bytes([b[2 * i], b[2 * i + 1]]).into()
        }))
    }

    #[inline(always)]
    fn splat_i32(v: i32) -> V {
        bytemuck::cast([v; 4])
    }
    #[inline(always)]
    fn splat_f32(v: f32) -> V {
        bytemuck::cast([v; 4])
    }
    #[inline(always)]
    fn to_i32(v: V) -> [i32; 4] {
        i32s(v)
    }
    #[inline(always)]
    fn to_f32(v: V) -> [f32; 4] {
        f32s(v)
    }
    #[inline(always)]
    fn from_f32(v: [f32; 4]) -> V {
        bytemuck::cast(v)
    }
    #[inline(always)]
    fn from_i32(v: [i32; 4]) -> V {
        bytemuck::cast(v)
    }

    #[inline(always)]
    fn and(a: V, b: V) -> V {
        map2(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn or(a: V, b: V) -> V {
        map2(a, b, |a, b| a | b)
    }
    #[inline(always)]
    fn xor(a: V, b: V) -> V {
        map2(a, b, |a, b| a ^ b)
    }
    #[inline(always)]
    fn select(mask: V, a: V, b: V) -> V {
        std::array::from_fn(|i| a[i] & mask[i] | b[i] & !mask[i])
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(v: V) -> V {
        bytemuck::cast(i32s(v).map(|x| x << N))
    }
    #[inline(always)]
    fn shr_u32<const N: u32>(v: V) -> V {
        bytemuck::cast(i32s(v).map(|x| x as u32 >> N))
    }
    #[inline(always)]
    fn shr_i32<const N: u32>(v: V) -> V {
        bytemuck::cast(i32s(v).map(|x| x >> N))
    }
    #[inline(always)]
    fn shl_i16<const N: u32>(v: V) -> V {
        bytemuck::cast(i16s(v).map(|x| x << N))
    }
    #[inline(always)]
    fn shr_u16<const N: u32>(v: V) -> V {
        bytemuck::cast(i16s(v).map(|x| x as u16 >> N))
    }
    #[inline(always)]
    fn shr_i16<const N: u32>(v: V) -> V {
        bytemuck::cast(i16s(v).map(|x| x >> N))
    }

    #[inline(always)]
    fn add_i32(a: V, b: V) -> V {
        bytemuck::cast(map2(i32s(a), i32s(b), i32::wrapping_add))
    }
    #[inline(always)]
    fn sub_i32(a: V, b: V) -> V {
        bytemuck::cast(map2(i32s(a), i32s(b), i32::wrapping_sub))
    }
    #[inline(always)]
    fn mul_i32(a: V, b: V) -> V {
        bytemuck::cast(map2(i32s(a), i32s(b), i32::wrapping_mul))
    }
    #[inline(always)]
    fn gt_i32(a: V, b: V) -> V {
        bytemuck::cast(map2(i32s(a), i32s(b), |a, b| mask(a > b)))
    }
    #[inline(always)]
    fn dot_i16(acc: V, a: V, b: V) -> V {
        let (acc, a, b) = (i32s(acc), i16s(a), i16s(b));
        bytemuck::cast::<[i32; 4], V>(std::array::from_fn(|i| {
            (0..2).fold(acc[i], |sum, c| {
                sum.wrapping_add(i32::from(a[2 * i + c]) * i32::from(b[2 * i + c]))
            })
        }))
    }
    #[inline(always)]
    fn dot_i8(acc: V, a: V, b: V) -> V {
        let acc = i32s(acc);
        bytemuck::cast::<[i32; 4], V>(std::array::from_fn(|i| {
            (0..4).fold(acc[i], |sum, c| {
                sum.wrapping_add(i32::from(a[4 * i + c] as i8) * i32::from(b[4 * i + c] as i8))
            })
        }))
    }
    #[inline(always)]
    fn narrow_i32(a: V, b: V) -> V {
        let (a, b) = (i32s(a), i32s(b));
        bytemuck::cast::<[i16; 8], V>(std::array::from_fn(|i| {
            let x = if i < 4 { a[i] } else { b[i - 4] };
            x.clamp(-0x8000, 0x7fff) as i16
        }))
    }
    #[inline(always)]
    fn narrow_i16(a: V, b: V) -> V {
        let (a, b) = (i16s(a), i16s(b));
        bytemuck::cast::<[i8; 16], V>(std::array::from_fn(|i| {
            let x = if i < 8 { a[i] } else { b[i - 8] };
            x.clamp(-0x80, 0x7f) as i8
        }))
    }
    #[inline(always)]
    fn widen_i8<const LANE: usize>(v: V) -> V {
        bytemuck::cast::<[i32; 4], V>(std::array::from_fn(|i| i32::from(v[4 * LANE + i] as i8)))
    }

    #[inline(always)]
    fn add(a: V, b: V) -> V {
        bytemuck::cast(map2(f32s(a), f32s(b), |a, b| a + b))
    }
    #[inline(always)]
    fn sub(a: V, b: V) -> V {
        bytemuck::cast(map2(f32s(a), f32s(b), |a, b| a - b))
    }
    #[inline(always)]
    fn mul(a: V, b: V) -> V {
        bytemuck::cast(map2(f32s(a), f32s(b), |a, b| a * b))
    }
    #[inline(always)]
    fn div(a: V, b: V) -> V {
        bytemuck::cast(map2(f32s(a), f32s(b), |a, b| a / b))
    }
    #[inline(always)]
    fn max(a: V, b: V) -> V {
        bytemuck::cast(map2(f32s(a), f32s(b), |a, b| if a < b { b } else { a }))
    }
    #[inline(always)]
    fn min(a: V, b: V) -> V {
        bytemuck::cast(map2(f32s(a), f32s(b), |a, b| if b < a { b } else { a }))
    }
    #[inline(always)]
    fn lt(a: V, b: V) -> V {
        bytemuck::cast(map2(f32s(a), f32s(b), |a, b| mask(a < b)))
    }
    #[inline(always)]
    fn round(a: V) -> V {
        bytemuck::cast(f32s(a).map(f32::round_ties_even))
    }
    #[inline(always)]
    fn to_int(a: V) -> V {
        bytemuck::cast(f32s(a).map(|x| x as i32))
    }
    #[inline(always)]
    fn from_int(a: V) -> V {
        bytemuck::cast(i32s(a).map(|x| x as f32))
    }
}
