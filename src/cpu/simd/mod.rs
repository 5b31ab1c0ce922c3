//! One portable layer of 128-bit SIMD, so that a kernel is written once and runs in every Wasm module and natively.
//!
//! Every level gives the *same bits*: integer dots are exact, `f32` products and sums are rounded separately (nothing is
//! fused), and a kernel's order of sums does not depend on the level. [`Level::PLAIN`] is the twin that the others are compared with.
//!
//! A kernel is a generic function wrapped by [`kernel!`]; everything generic that it calls must be `#[inline(always)]`, else
//! it is compiled without the processor features that its instructions need and becomes slow (never wrong).

#![allow(unsafe_code)] // loads, stores and instructions that need a feature; nothing outside this room is unsafe

#[cfg(not(target_arch = "wasm32"))]
mod plain;
#[cfg(target_arch = "wasm32")]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(not(target_arch = "wasm32"))]
use plain::Plain;

/// Sixteen bytes in a register, and what the kernels do with them.
///
/// Lanes are little-endian; names say the lanes: `i8` 16, `i16` 8, `i32` and `f32` 4. Integer arithmetic wraps.
pub trait Simd: Copy + 'static {
    /// The register, untyped.
    type V: Copy;

    /// There is an instruction that multiplies bytes and adds groups of four ([`Simd::dot_i8`] is one instruction, or two).
    const BYTE_DOT: bool;

    // ---- memory: a slice that is too short panics ---------------------------------------------------------------

    /// The bytes at `at .. at + 16`.
    fn load(bytes: &[u8], at: usize) -> Self::V;
    /// Four `f32` at `at ..`.
    fn load_f32(values: &[f32], at: usize) -> Self::V;
    /// Stores four `f32` at `at ..`.
    fn store_f32(values: &mut [f32], at: usize, v: Self::V);
    /// Stores the bytes at `at .. at + 16`.
    fn store(bytes: &mut [u8], at: usize, v: Self::V);
    /// The four bytes at `at ..`, in all four lanes.
    fn splat_4(bytes: &[u8], at: usize) -> Self::V;
    /// The eight bytes at `at ..` as four `u16`, each in the low half of a 32-bit lane.
    fn load_u16x4(bytes: &[u8], at: usize) -> Self::V;

    // ---- constants ----------------------------------------------------------------------------------------------

    /// The same number in every lane.
    fn splat_i32(v: i32) -> Self::V;
    /// The same number in every lane.
    fn splat_f32(v: f32) -> Self::V;
    /// The lanes as numbers.
    fn to_i32(v: Self::V) -> [i32; 4];
    /// The lanes as numbers.
    fn to_f32(v: Self::V) -> [f32; 4];
    /// The lanes from numbers.
    fn from_f32(v: [f32; 4]) -> Self::V;
    /// The lanes from numbers.
    fn from_i32(v: [i32; 4]) -> Self::V;

    // ---- bits ---------------------------------------------------------------------------------------------------

    /// `a & b`
    fn and(a: Self::V, b: Self::V) -> Self::V;
    /// `a | b`
    fn or(a: Self::V, b: Self::V) -> Self::V;
    /// `a ^ b`
    fn xor(a: Self::V, b: Self::V) -> Self::V;
    /// `mask ? a : b`, bit by bit.
    fn select(mask: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// 32-bit lanes, to the left.
    fn shl_i32<const N: u32>(v: Self::V) -> Self::V;
    /// 32-bit lanes, to the right, zeros from above.
    fn shr_u32<const N: u32>(v: Self::V) -> Self::V;
    /// 32-bit lanes, to the right, copies of the sign from above.
    fn shr_i32<const N: u32>(v: Self::V) -> Self::V;
    /// 16-bit lanes, to the left.
    fn shl_i16<const N: u32>(v: Self::V) -> Self::V;
    /// 16-bit lanes, to the right, zeros from above.
    fn shr_u16<const N: u32>(v: Self::V) -> Self::V;
    /// 16-bit lanes, to the right, copies of the sign from above.
    fn shr_i16<const N: u32>(v: Self::V) -> Self::V;

    // ---- integers -----------------------------------------------------------------------------------------------

    /// 32-bit lanes.
    fn add_i32(a: Self::V, b: Self::V) -> Self::V;
    /// 32-bit lanes.
    fn sub_i32(a: Self::V, b: Self::V) -> Self::V;
    /// 32-bit lanes, low half of the product.
    fn mul_i32(a: Self::V, b: Self::V) -> Self::V;
    /// 32-bit lanes, signed: all ones where `a > b`.
    fn gt_i32(a: Self::V, b: Self::V) -> Self::V;
    /// 16-bit lanes, signed: `acc + a[2i] * b[2i] + a[2i + 1] * b[2i + 1]` in 32-bit lane i.
    fn dot_i16(acc: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// `acc + sum over c in 0..4 of a[4i + c] * b[4i + c]` in 32-bit lane i; `a` is signed, `b` must lie in 0 ..= 127.
    ///
    /// The bound on `b` is what makes the relaxed instruction of Wasm the same on every processor.
    fn dot_i8(acc: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// Two vectors of `i32` to one of `i16`, clamped: `a` in the low half.
    fn narrow_i32(a: Self::V, b: Self::V) -> Self::V;
    /// Two vectors of `i16` to one of `i8`, clamped: `a` in the low half.
    fn narrow_i16(a: Self::V, b: Self::V) -> Self::V;
    /// The four signed bytes of each lane N of `0..4` of 32 bits, as `i32`.
    fn widen_i8<const LANE: usize>(v: Self::V) -> Self::V;

    // ---- f32 ----------------------------------------------------------------------------------------------------

    /// Four sums.
    fn add(a: Self::V, b: Self::V) -> Self::V;
    /// Four differences.
    fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// Four products.
    fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// Four quotients.
    fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a < b ? b : a`: `a` where either is NaN.
    fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `b < a ? b : a`: `a` where either is NaN.
    fn min(a: Self::V, b: Self::V) -> Self::V;
    /// All ones where `a < b`.
    fn lt(a: Self::V, b: Self::V) -> Self::V;
    /// To the nearest integer, halves to even.
    fn round(a: Self::V) -> Self::V;
    /// `f32` that are whole numbers within `i32`, as integers. Others give any number.
    fn to_int(a: Self::V) -> Self::V;
    /// Integers as `f32`, rounded to nearest even.
    fn from_int(a: Self::V) -> Self::V;

    // ---- composed -----------------------------------------------------------------------------------------------

    /// `|a|`
    #[inline(always)]
    fn abs(a: Self::V) -> Self::V {
        Self::and(a, Self::splat_i32(0x7fff_ffff))
    }

    /// Half-precision bits in the low halves of the lanes, to `f32`. Infinity and NaN become finite numbers beyond 65504.
    #[inline(always)]
    fn f16_bits(h: Self::V) -> Self::V {
        // Sign to the top, exponent and mantissa into place, and 2^112 for the difference of the exponents' biases;
        // the product normalises what is subnormal in half precision.
        let placed = Self::and(
            Self::shr_i32::<3>(Self::shl_i32::<16>(h)),
            Self::splat_i32(0x8fff_e000_u32 as i32),
        );
        Self::mul(placed, Self::splat_i32(0x7780_0000))
    }

    /// The sum of the four lanes, `(0 + 1) + (2 + 3)`.
    #[inline(always)]
    fn sum(v: Self::V) -> f32 {
        let [a, b, c, d] = Self::to_f32(v);
        (a + b) + (c + d)
    }
}

/// The SIMD instructions to use. Only levels that this machine has can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[cfg(not(target_arch = "wasm32"))]
    Plain,
    #[cfg(not(target_arch = "wasm32"))]
    PlainWords,
    #[cfg(target_arch = "wasm32")]
    Wasm,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Vnni,
}

impl Level {
    /// Plain Rust: the twin of the others.
    #[cfg(not(target_arch = "wasm32"))]
    pub const PLAIN: Level = Level(Kind::Plain);

    /// Plain Rust without a byte dot: the twin of Wasm's baseline.
    #[cfg(not(target_arch = "wasm32"))]
    pub const PLAIN_WORDS: Level = Level(Kind::PlainWords);

    /// Every level of this machine, the fastest last. A Wasm module has one: the others would only make it larger.
    pub fn all() -> Vec<Level> {
        #[cfg(target_arch = "wasm32")]
        let all = vec![Kind::Wasm];
        #[cfg(not(target_arch = "wasm32"))]
        let mut all = vec![Kind::PlainWords, Kind::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if x86::has_avx2() {
                all.push(Kind::Avx2);
            }
            if x86::has_vnni() {
                all.push(Kind::Vnni);
            }
        }
        all.into_iter().map(Level).collect()
    }

    /// The fastest level of this machine.
    pub fn best() -> Level {
        #[cfg(target_arch = "wasm32")]
        return Level(Kind::Wasm);
        #[cfg(not(target_arch = "wasm32"))]
        Self::all().pop().unwrap_or(Self::PLAIN)
    }

    /// Whether [`Simd::BYTE_DOT`] holds.
    pub fn byte_dot(self) -> bool {
        struct Ask;
        impl Task for Ask {
            type Out = bool;
            fn run<S: Simd>(self) -> bool {
                S::BYTE_DOT
            }
        }
        dispatch(self, Ask)
    }

    /// As shown to people: `"wasm relaxed-simd"`, `"x86-64 avx-vnni"`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(not(target_arch = "wasm32"))]
            Kind::Plain => "plain",
            #[cfg(not(target_arch = "wasm32"))]
            Kind::PlainWords => "plain, without a byte dot",
            #[cfg(target_arch = "wasm32")]
            Kind::Wasm => wasm::NAME,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "x86-64 avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Vnni => "x86-64 avx-vnni",
        }
    }
}

/// Work that is generic over the instructions. `run` must be `#[inline(always)]`; [`kernel!`] sees to it.
pub trait Task {
    /// Its result.
    type Out;
    /// Does it.
    fn run<S: Simd>(self) -> Self::Out;
}

/// Runs `task` with the instructions of `level`.
#[inline]
pub fn dispatch<T: Task>(level: Level, task: T) -> T::Out {
    match level.0 {
        #[cfg(not(target_arch = "wasm32"))]
        Kind::Plain => task.run::<Plain<true>>(),
        #[cfg(not(target_arch = "wasm32"))]
        Kind::PlainWords => task.run::<Plain<false>>(),
        #[cfg(target_arch = "wasm32")]
        Kind::Wasm => task.run::<wasm::Wasm>(),
        // SAFETY: such a level is made only where the processor has these features.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { x86::run_avx2(task) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Vnni => unsafe { x86::run_vnni(task) },
    }
}

/// Makes `fn name(level: Level, arguments)` from a body that is generic over `S: Simd`. References are `&'a`.
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<'a, $S:ident>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<'a>(level: $crate::cpu::simd::Level, $($arg: $ty),*) $(-> $ret)? {
            struct Call<'a> {
                $($arg: $ty,)*
                lifetime: std::marker::PhantomData<&'a ()>,
            }
            impl<'a> $crate::cpu::simd::Task for Call<'a> {
                #[allow(unused_parens)]
                type Out = ($($ret)?);
                #[inline(always)]
                fn run<$S: $crate::cpu::simd::Simd>(self) -> Self::Out {
                    #[allow(unused_mut)]
                    let Call { $($arg,)* .. } = self;
                    $body
                }
            }
            $crate::cpu::simd::dispatch(level, Call { $($arg,)* lifetime: std::marker::PhantomData })
        }
    };
}
pub(crate) use kernel;

/// The `N` elements at `at ..`; a slice that is too short panics, as any index does.
#[inline(always)]
fn array<T, const N: usize>(slice: &[T], at: usize) -> &[T; N] {
    &slice[at..at + N].as_chunks().0[0]
}

/// The `N` elements at `at ..`.
#[inline(always)]
fn array_mut<T, const N: usize>(slice: &mut [T], at: usize) -> &mut [T; N] {
    &mut slice[at..at + N].as_chunks_mut().0[0]
}
