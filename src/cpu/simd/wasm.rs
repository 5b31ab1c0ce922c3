//! Wasm's `simd128`, and `relaxed-simd` in the module that is compiled with it.

use core::arch::wasm32::*;

use super::{Simd, array, array_mut};

/// The instructions of this module.
#[derive(Debug, Clone, Copy)]
pub struct Wasm;

#[cfg(target_feature = "relaxed-simd")]
pub const NAME: &str = "wasm relaxed-simd";
#[cfg(not(target_feature = "relaxed-simd"))]
pub const NAME: &str = "wasm simd128";

impl Simd for Wasm {
    type V = v128;
    const BYTE_DOT: bool = cfg!(target_feature = "relaxed-simd");

    #[inline(always)]
    fn load(bytes: &[u8], at: usize) -> v128 {
        let bytes: &[u8; 16] = array(bytes, at);
        // SAFETY: sixteen bytes are there; Wasm loads need no alignment.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }
    #[inline(always)]
    fn load_f32(values: &[f32], at: usize) -> v128 {
        let values: &[f32; 4] = array(values, at);
        // SAFETY: sixteen bytes are there.
        unsafe { v128_load(values.as_ptr().cast()) }
    }
    #[inline(always)]
    fn store_f32(values: &mut [f32], at: usize, v: v128) {
        let values: &mut [f32; 4] = array_mut(values, at);
        // SAFETY: room for sixteen bytes is there.
        unsafe { v128_store(values.as_mut_ptr().cast(), v) }
    }
    #[inline(always)]
    fn store(bytes: &mut [u8], at: usize, v: v128) {
        let bytes: &mut [u8; 16] = array_mut(bytes, at);
        // SAFETY: room for sixteen bytes is there.
        unsafe { v128_store(bytes.as_mut_ptr().cast(), v) }
    }
    #[inline(always)]
    fn splat_4(bytes: &[u8], at: usize) -> v128 {
        let bytes: &[u8; 4] = array(bytes, at);
        // SAFETY: four bytes are there.
        unsafe { v128_load32_splat(bytes.as_ptr().cast()) }
    }
    #[inline(always)]
    fn load_u16x4(bytes: &[u8], at: usize) -> v128 {
        let bytes: &[u8; 8] = array(bytes, at);
        // SAFETY: eight bytes are there.
        unsafe { u32x4_load_extend_u16x4(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn splat_i32(v: i32) -> v128 {
        i32x4_splat(v)
    }
    #[inline(always)]
    fn splat_f32(v: f32) -> v128 {
        f32x4_splat(v)
    }
    #[inline(always)]
    fn to_i32(v: v128) -> [i32; 4] {
        [
            i32x4_extract_lane::<0>(v),
            i32x4_extract_lane::<1>(v),
            i32x4_extract_lane::<2>(v),
            i32x4_extract_lane::<3>(v),
        ]
    }
    #[inline(always)]
    fn to_f32(v: v128) -> [f32; 4] {
        [
            f32x4_extract_lane::<0>(v),
            f32x4_extract_lane::<1>(v),
            f32x4_extract_lane::<2>(v),
            f32x4_extract_lane::<3>(v),
        ]
    }
    #[inline(always)]
    fn from_f32([a, b, c, d]: [f32; 4]) -> v128 {
        f32x4(a, b, c, d)
    }
    #[inline(always)]
    fn from_i32([a, b, c, d]: [i32; 4]) -> v128 {
        i32x4(a, b, c, d)
    }

    #[inline(always)]
    fn and(a: v128, b: v128) -> v128 {
        v128_and(a, b)
    }
    #[inline(always)]
    fn or(a: v128, b: v128) -> v128 {
        v128_or(a, b)
    }
    #[inline(always)]
    fn xor(a: v128, b: v128) -> v128 {
        v128_xor(a, b)
    }
    #[inline(always)]
    fn select(mask: v128, a: v128, b: v128) -> v128 {
        v128_bitselect(a, b, mask)
    }
    #[inline(always)]
    fn shl_i32<const N: u32>(v: v128) -> v128 {
        i32x4_shl(v, N)
    }
    #[inline(always)]
    fn shr_u32<const N: u32>(v: v128) -> v128 {
        u32x4_shr(v, N)
    }
    #[inline(always)]
    fn shr_i32<const N: u32>(v: v128) -> v128 {
        i32x4_shr(v, N)
    }
    #[inline(always)]
    fn shl_i16<const N: u32>(v: v128) -> v128 {
        i16x8_shl(v, N)
    }
    #[inline(always)]
    fn shr_u16<const N: u32>(v: v128) -> v128 {
        u16x8_shr(v, N)
    }
    #[inline(always)]
    fn shr_i16<const N: u32>(v: v128) -> v128 {
        i16x8_shr(v, N)
    }

    #[inline(always)]
    fn add_i32(a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }
    #[inline(always)]
    fn sub_i32(a: v128, b: v128) -> v128 {
        i32x4_sub(a, b)
    }
    #[inline(always)]
    fn mul_i32(a: v128, b: v128) -> v128 {
        i32x4_mul(a, b)
    }
    #[inline(always)]
    fn gt_i32(a: v128, b: v128) -> v128 {
        i32x4_gt(a, b)
    }
    #[inline(always)]
    fn dot_i16(acc: v128, a: v128, b: v128) -> v128 {
        i32x4_add(acc, i32x4_dot_i16x8(a, b))
    }
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    fn dot_i8(acc: v128, a: v128, b: v128) -> v128 {
        i32x4_relaxed_dot_i8x16_i7x16_add(a, b, acc)
    }
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    fn dot_i8(acc: v128, a: v128, b: v128) -> v128 {
        // Bytes 0, 2 and 1, 3 of each lane as pairs of words.
        let even = i32x4_dot_i16x8(i16x8_shr(i16x8_shl(a, 8), 8), v128_and(b, i16x8_splat(0x00ff)));
        let odd = i32x4_dot_i16x8(i16x8_shr(a, 8), u16x8_shr(b, 8));
        i32x4_add(acc, i32x4_add(even, odd))
    }
    #[inline(always)]
    fn narrow_i32(a: v128, b: v128) -> v128 {
        i16x8_narrow_i32x4(a, b)
    }
    #[inline(always)]
    fn narrow_i16(a: v128, b: v128) -> v128 {
        i8x16_narrow_i16x8(a, b)
    }
    #[inline(always)]
    fn widen_i8<const LANE: usize>(v: v128) -> v128 {
        let half = if LANE < 2 {
            i16x8_extend_low_i8x16(v)
        } else {
            i16x8_extend_high_i8x16(v)
        };
        if LANE.is_multiple_of(2) {
            i32x4_extend_low_i16x8(half)
        } else {
            i32x4_extend_high_i16x8(half)
        }
    }

    #[inline(always)]
    fn add(a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }
    #[inline(always)]
    fn sub(a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }
    #[inline(always)]
    fn mul(a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }
    #[inline(always)]
    fn div(a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }
    #[inline(always)]
    fn max(a: v128, b: v128) -> v128 {
        f32x4_pmax(a, b)
    }
    #[inline(always)]
    fn min(a: v128, b: v128) -> v128 {
        f32x4_pmin(a, b)
    }
    #[inline(always)]
    fn lt(a: v128, b: v128) -> v128 {
        f32x4_lt(a, b)
    }
    #[inline(always)]
    fn round(a: v128) -> v128 {
        f32x4_nearest(a)
    }
    #[inline(always)]
    fn to_int(a: v128) -> v128 {
        i32x4_trunc_sat_f32x4(a)
    }
    #[inline(always)]
    fn from_int(a: v128) -> v128 {
        f32x4_convert_i32x4(a)
    }
}
