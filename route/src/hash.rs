//! Hashes and mixers: they tell things apart and spread them, and protect against nobody.

/// The odd number nearest to 2^64 divided by the golden ratio.
pub(crate) const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): every
/// bit of the number decides about every bit of the result.
pub(crate) fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a of 32 bits (Fowler, Noll and Vo).
pub(crate) fn fnv32(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, step)
}

/// FNV-1a of 64 bits.
pub(crate) fn fnv64(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// FNV-1a of 128 bits, piece by piece.
pub struct Digest(u128);

impl Default for Digest {
    fn default() -> Digest {
        Digest(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Digest {
    fn bytes<'a>(&mut self, bytes: impl IntoIterator<Item = &'a u8>) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    /// Takes bytes in, and how many they are.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
        self.bytes(&(bytes.len() as u64).to_le_bytes());
    }

    /// `fnv1a128:` and 32 hexadecimal digits.
    pub fn name(&self) -> String {
        format!("fnv1a128:{:032x}", self.0)
    }

    /// 64 bits of it, mixed, so that similar texts lie far apart.
    pub(crate) fn mixed(&self) -> u64 {
        mixed((self.0 ^ (self.0 >> 64)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The empty text, "a" and "foobar": test vectors of the authors (draft-eastlake-fnv).
    #[test]
    fn fnv_of_its_authors() {
        let texts: [&[u8]; 3] = [b"", b"a", b"foobar"];
        assert_eq!(texts.map(fnv32), [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968]);
        let expected = [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8];
        assert_eq!(texts.map(fnv64), expected);
        let long = |text: &[u8]| {
            let mut digest = Digest::default();
            digest.bytes(text);
            digest.0
        };
        assert_eq!(long(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(long(b"foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
