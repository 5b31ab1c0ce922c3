//! Storage formats of generated files: block sizes, and blocks of seeded quants with mean zero.

/// The formats of the mixes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    F32,
    Q4_0,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Format {
    /// As GGUF tools name it.
    pub fn name(self) -> &'static str {
        match self {
            Format::F32 => "F32",
            Format::Q4_0 => "Q4_0",
            Format::Q8_0 => "Q8_0",
            Format::Q4K => "Q4_K",
            Format::Q5K => "Q5_K",
            Format::Q6K => "Q6_K",
        }
    }

    /// GGUF's number.
    pub fn id(self) -> u32 {
        match self {
            Format::F32 => 0,
            Format::Q4_0 => 2,
            Format::Q8_0 => 8,
            Format::Q4K => 12,
            Format::Q5K => 13,
            Format::Q6K => 14,
        }
    }

    /// Weights and bytes of a block.
    pub fn block(self) -> (u64, usize) {
        match self {
            Format::F32 => (1, 4),
            Format::Q4_0 => (32, 18),
            Format::Q8_0 => (32, 34),
            Format::Q4K => (256, 144),
            Format::Q5K => (256, 176),
            Format::Q6K => (256, 210),
        }
    }

    /// The block scale that gives weights of this root mean square: the divisors are that of `scale * quant` for
    /// random bits (see [`fill`]).
    pub fn scale(self, rms: f64) -> u16 {
        half(match self {
            Format::F32 => 0.0,
            Format::Q4_0 => rms / 4.64,
            Format::Q8_0 => rms / 73.9,
            Format::Q4K => rms / (36.5 * 4.6),
            Format::Q5K => rms / (36.5 * 9.2),
            Format::Q6K => rms / (73.9 * 18.5),
        })
    }
}

/// Half-precision bits of a number in `0 .. 65504`; subnormals included.
fn half(value: f64) -> u16 {
    let exponent = if value > 0.0 {
        value.log2().floor().max(-14.0)
    } else {
        -14.0
    };
    let mantissa = (value / (exponent - 10.0).exp2()).round();
    (((exponent + 14.0) as u16) << 10) + mantissa as u16
}

fn half_to_f64(bits: u16) -> f64 {
    let (exponent, fraction) = (f64::from(bits >> 10), f64::from(bits & 1023));
    if bits < 1024 {
        fraction * (-24f64).exp2()
    } else {
        (1024.0 + fraction) * (exponent - 25.0).exp2()
    }
}

/// One block of random quants whose mean is zero.
pub fn fill(format: Format, scale: u16, rng: &mut Rng, block: &mut [u8]) {
    for chunk in block.chunks_mut(8) {
        chunk.copy_from_slice(&rng.next().to_le_bytes()[..chunk.len()]);
    }
    match format {
        // A gain of 1, give or take a quarter.
        Format::F32 => {
            let gain = 0.75 + f32::from(block[0]) / 512.0;
            block.copy_from_slice(&gain.to_le_bytes());
        }
        // Half of the scales are negative: the quants -8..7 alone have a mean of -1/2.
        Format::Q4_0 => {
            let sign = u16::from(block[0] & 1) << 15;
            block[0..2].copy_from_slice(&(scale | sign).to_le_bytes());
        }
        // Real files use -127..127.
        Format::Q8_0 => {
            block[0..2].copy_from_slice(&scale.to_le_bytes());
            for quant in &mut block[2..] {
                *quant = if *quant == 0x80 { 0x81 } else { *quant };
            }
        }
        Format::Q6K => block[208..210].copy_from_slice(&scale.to_le_bytes()),
        // Each sub-block's minimum equals its scale, and the block's is as much larger as the mean quant.
        Format::Q4K | Format::Q5K => {
            let mean = if format == Format::Q4K { 7.5 } else { 15.5 };
            block[0..2].copy_from_slice(&scale.to_le_bytes());
            block[2..4].copy_from_slice(&half(mean * half_to_f64(scale)).to_le_bytes());
            for i in 4..8 {
                block[i + 4] = block[i];
                block[i + 8] = block[i + 8] & 15 | block[i + 8] << 4;
            }
        }
    }
}

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (value, bits) in [
            (0.0, 0),
            (1.0, 0x3c00),
            (6.1035e-5, 0x400),
            (5.9605e-8, 1),
            (65504.0, 0x7bff),
            (0.1, 0x2e66),
        ] {
            assert_eq!(half(value), bits, "{value}");
            assert!((half_to_f64(bits) - value).abs() <= value * 1e-3, "{value}");
        }
    }
}
