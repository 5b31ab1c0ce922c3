//! x86-64: AVX2 (its 128-bit forms), and the byte dot of AVX-VNNI or AVX-512 VNNI.

use core::arch::x86_64::*;

use super::{Simd, Task, array, array_mut};

/// Whether [`run_avx2`] may be called.
pub fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

/// Whether [`run_vnni`] may be called.
pub fn has_vnni() -> bool {
    has_avx2() && is_x86_feature_detected!("avxvnni")
}

/// Runs a task with AVX2.
#[target_feature(enable = "avx2")]
pub fn run_avx2<T: Task>(task: T) -> T::Out {
    task.run::<Avx2>()
}

/// Runs a task with AVX2 and AVX-VNNI.
#[target_feature(enable = "avx2,avxvnni")]
pub fn run_vnni<T: Task>(task: T) -> T::Out {
    task.run::<Vnni>()
}

/// AVX2 without a byte dot: pairs of bytes are added with saturation, which seven bits cannot reach.
#[derive(Debug, Clone, Copy)]
pub struct Avx2;

/// AVX2 with the byte dot.
#[derive(Debug, Clone, Copy)]
pub struct Vnni;

// SAFETY of every block below: loads and stores go through arrays of the right size and need no alignment; the
// instructions are reached only through `run_avx2` and `run_vnni`, whose callers have checked the features.
macro_rules! simd {
    ($level:ident, $acc:ident, $a:ident, $b:ident, $dot:expr) => {
        impl Simd for $level {
            type V = __m128i;
            const BYTE_DOT: bool = true;

            #[inline(always)]
            fn load(bytes: &[u8], at: usize) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_loadu_si128(array::<u8, 16>(bytes, at).as_ptr().cast()) }
            }
            #[inline(always)]
            fn load_f32(values: &[f32], at: usize) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_loadu_si128(array::<f32, 4>(values, at).as_ptr().cast()) }
            }
            #[inline(always)]
            fn store_f32(values: &mut [f32], at: usize, v: __m128i) {
                // SAFETY: see above.
                unsafe { _mm_storeu_si128(array_mut::<f32, 4>(values, at).as_mut_ptr().cast(), v) }
            }
            #[inline(always)]
            fn store(bytes: &mut [u8], at: usize, v: __m128i) {
                // SAFETY: see above.
                unsafe { _mm_storeu_si128(array_mut::<u8, 16>(bytes, at).as_mut_ptr().cast(), v) }
            }
            #[inline(always)]
            fn splat_4(bytes: &[u8], at: usize) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_set1_epi32(i32::from_le_bytes(*array(bytes, at))) }
            }
            #[inline(always)]
            fn load_u16x4(bytes: &[u8], at: usize) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_cvtepu16_epi32(_mm_loadl_epi64(array::<u8, 8>(bytes, at).as_ptr().cast())) }
            }
            #[inline(always)]
            fn splat_i32(v: i32) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_set1_epi32(v) }
            }
            #[inline(always)]
            fn splat_f32(v: f32) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_set1_ps(v)) }
            }
            #[inline(always)]
            fn to_i32(v: __m128i) -> [i32; 4] {
                // SAFETY: see above.
                unsafe { core::mem::transmute(v) }
            }
            #[inline(always)]
            fn to_f32(v: __m128i) -> [f32; 4] {
                // SAFETY: see above.
                unsafe { core::mem::transmute(v) }
            }
            #[inline(always)]
            fn from_f32(v: [f32; 4]) -> __m128i {
                // SAFETY: see above.
                unsafe { core::mem::transmute(v) }
            }
            #[inline(always)]
            fn from_i32(v: [i32; 4]) -> __m128i {
                // SAFETY: see above.
                unsafe { core::mem::transmute(v) }
            }
            #[inline(always)]
            fn and(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_and_si128(a, b) }
            }
            #[inline(always)]
            fn or(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_or_si128(a, b) }
            }
            #[inline(always)]
            fn xor(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_xor_si128(a, b) }
            }
            #[inline(always)]
            fn select(mask: __m128i, a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b)) }
            }
            #[inline(always)]
            fn shl_i32<const N: u32>(v: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_sll_epi32(v, _mm_cvtsi32_si128(N as i32)) }
            }
            #[inline(always)]
            fn shr_u32<const N: u32>(v: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_srl_epi32(v, _mm_cvtsi32_si128(N as i32)) }
            }
            #[inline(always)]
            fn shr_i32<const N: u32>(v: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_sra_epi32(v, _mm_cvtsi32_si128(N as i32)) }
            }
            #[inline(always)]
            fn shl_i16<const N: u32>(v: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_sll_epi16(v, _mm_cvtsi32_si128(N as i32)) }
            }
            #[inline(always)]
            fn shr_u16<const N: u32>(v: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_srl_epi16(v, _mm_cvtsi32_si128(N as i32)) }
            }
            #[inline(always)]
            fn shr_i16<const N: u32>(v: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_sra_epi16(v, _mm_cvtsi32_si128(N as i32)) }
            }
            #[inline(always)]
            fn add_i32(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_add_epi32(a, b) }
            }
            #[inline(always)]
            fn sub_i32(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_sub_epi32(a, b) }
            }
            #[inline(always)]
            fn mul_i32(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_mullo_epi32(a, b) }
            }
            #[inline(always)]
            fn gt_i32(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_cmpgt_epi32(a, b) }
            }
            #[inline(always)]
            fn dot_i16(acc: __m128i, a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_add_epi32(acc, _mm_madd_epi16(a, b)) }
            }
            #[inline(always)]
            fn dot_i8($acc: __m128i, $a: __m128i, $b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { $dot }
            }
            #[inline(always)]
            fn narrow_i32(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_packs_epi32(a, b) }
            }
            #[inline(always)]
            fn narrow_i16(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_packs_epi16(a, b) }
            }
            #[inline(always)]
            fn widen_i8<const LANE: usize>(v: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe {
                    _mm_cvtepi8_epi32(match LANE {
                        0 => v,
                        1 => _mm_srli_si128::<4>(v),
                        2 => _mm_srli_si128::<8>(v),
                        _ => _mm_srli_si128::<12>(v),
                    })
                }
            }
            #[inline(always)]
            fn add(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_add_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b))) }
            }
            #[inline(always)]
            fn sub(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_sub_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b))) }
            }
            #[inline(always)]
            fn mul(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_mul_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b))) }
            }
            #[inline(always)]
            fn div(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_div_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b))) }
            }
            #[inline(always)]
            fn max(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_max_ps(_mm_castsi128_ps(b), _mm_castsi128_ps(a))) }
            }
            #[inline(always)]
            fn min(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_min_ps(_mm_castsi128_ps(b), _mm_castsi128_ps(a))) }
            }
            #[inline(always)]
            fn lt(a: __m128i, b: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_cmplt_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b))) }
            }
            #[inline(always)]
            fn round(a: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe {
                    _mm_castps_si128(_mm_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(
                        _mm_castsi128_ps(a),
                    ))
                }
            }
            #[inline(always)]
            fn to_int(a: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_cvttps_epi32(_mm_castsi128_ps(a)) }
            }
            #[inline(always)]
            fn from_int(a: __m128i) -> __m128i {
                // SAFETY: see above.
                unsafe { _mm_castps_si128(_mm_cvtepi32_ps(a)) }
            }
        }
    };
}

simd!(Avx2, acc, a, b, {
    let pairs = _mm_maddubs_epi16(b, a);
    _mm_add_epi32(acc, _mm_madd_epi16(pairs, _mm_set1_epi16(1)))
});
simd!(Vnni, acc, a, b, _mm_dpbusd_avx_epi32(acc, b, a));
