//! Types of whole files, under llama.cpp's names and numbers.

use crate::error::{Error, Result};
use crate::quant::DType;

/// What a file is quantized to: one storage format for most tensors, and a mix for the others (`mix.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3KS,
    Q3KM,
    Q3KL,
    Q4KS,
    Q4KM,
    Q5KS,
    Q5KM,
    Q6K,
}

/// Name, `general.file_type`, format of most tensors.
const TYPES: [(FileType, &str, u32, DType); 17] = [
    (FileType::F32, "f32", 0, DType::F32),
    (FileType::F16, "f16", 1, DType::F16),
    (FileType::BF16, "bf16", 32, DType::BF16),
    (FileType::Q4_0, "q4_0", 2, DType::Q4_0),
    (FileType::Q4_1, "q4_1", 3, DType::Q4_1),
    (FileType::Q5_0, "q5_0", 8, DType::Q5_0),
    (FileType::Q5_1, "q5_1", 9, DType::Q5_1),
    (FileType::Q8_0, "q8_0", 7, DType::Q8_0),
    (FileType::Q2K, "q2_k", 10, DType::Q2K),
    (FileType::Q3KS, "q3_k_s", 11, DType::Q3K),
    (FileType::Q3KM, "q3_k_m", 12, DType::Q3K),
    (FileType::Q3KL, "q3_k_l", 13, DType::Q3K),
    (FileType::Q4KS, "q4_k_s", 14, DType::Q4K),
    (FileType::Q4KM, "q4_k_m", 15, DType::Q4K),
    (FileType::Q5KS, "q5_k_s", 16, DType::Q5K),
    (FileType::Q5KM, "q5_k_m", 17, DType::Q5K),
    (FileType::Q6K, "q6_k", 18, DType::Q6K),
];

impl FileType {
    /// Every type.
    pub fn all() -> impl Iterator<Item = FileType> {
        TYPES.iter().map(|t| t.0)
    }

    fn row(self) -> (&'static str, u32, DType) {
        let row = TYPES.iter().find(|t| t.0 == self);
        row.map_or(("f32", 0, DType::F32), |t| (t.1, t.2, t.3)) // every type is in the table: see the test
    }

    /// Name, in lower case.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// `general.file_type`.
    pub fn id(self) -> u32 {
        self.row().1
    }

    /// The format of most tensors.
    pub fn base(self) -> DType {
        self.row().2
    }

    /// The type with this `general.file_type`.
    pub fn of(id: u32) -> Option<FileType> {
        TYPES.iter().find(|t| t.2 == id).map(|t| t.0)
    }

    /// The type called `name`, in any case; `q3_k`, `q4_k` and `q5_k` are the `_m` mixes, as in llama.cpp.
    ///
    /// ```
    /// use kinglet::quantize::FileType;
    /// assert_eq!(FileType::parse("Q4_K_M")?, FileType::Q4KM);
    /// assert_eq!(FileType::parse("q4_k")?.id(), 15);
    /// assert!(FileType::parse("iq2_xs").is_err());
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn parse(name: &str) -> Result<FileType> {
        let lower = name.to_ascii_lowercase();
        let full = match lower.as_str() {
            "q3_k" | "q4_k" | "q5_k" => format!("{lower}_m"),
            _ => lower,
        };
        let found = TYPES.iter().find(|t| t.1 == full);
        found.map(|t| t.0).ok_or_else(|| {
            let names: Vec<&str> = TYPES.iter().map(|t| t.1).collect();
            Error::invalid("type", format!("one of {}", names.join(", ")), format!("{name:?}"))
        })
    }
}

/// The storage format called `name`, in any case: for a single tensor.
pub fn parse_format(name: &str) -> Result<DType> {
    let found = DType::ALL.into_iter().find(|t| t.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let names = DType::ALL.map(|t| t.name().to_ascii_lowercase()).join(", ");
        Error::invalid("type of a tensor", format!("one of {names}"), format!("{name:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unique_and_found_again() {
        for t in FileType::all() {
            assert_eq!(FileType::parse(&t.name().to_uppercase()), Ok(t));
            assert_eq!(FileType::of(t.id()), Some(t));
            assert_eq!(FileType::all().filter(|o| o.id() == t.id()).count(), 1, "{t:?}");
            assert!(t.name().starts_with(&t.base().name().to_lowercase()), "{t:?}");
        }
        assert_eq!(FileType::Q6K as usize + 1, TYPES.len(), "a type is not in the table");
    }
}
