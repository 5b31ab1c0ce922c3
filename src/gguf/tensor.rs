//! The tensor directory: names, shapes, types and places.

use super::cursor::{Cursor, Fail};
use super::quoted;
use crate::error::{Error, Result};
use crate::quant::DType;

/// GGUF's bound on dimensions.
const MAX_DIMS: u32 = 4;
/// Bound on the length of a tensor's name in bytes (ggml's own is 63).
const MAX_NAME_BYTES: usize = 1024;

/// Formats that kinglet does not decode but knows by name: (ggml_type, name, weights per block, bytes per block).
/// Numbers and sizes as in ggml.h. Size 0 where a type is never stored in files.
const OTHER_TYPES: [(u32, &str, u64, u64); 21] = [
    (9, "Q8_1", 32, 0),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (28, "F64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
];

/// One tensor of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Name, for example `blk.0.attn_norm.weight`.
    pub name: String,
    /// Dimensions, the contiguous one (ne0) first: a matrix is `[cols, rows]`.
    pub shape: Vec<u64>,
    /// GGUF's type number.
    pub ggml_type: u32,
    /// The format, when kinglet decodes it.
    pub dtype: Option<DType>,
    /// Bytes in the file; 0 for a type whose block size is unknown.
    pub bytes: u64,
    /// Which of the split files.
    pub(crate) file: usize,
    /// Offset in that file.
    pub(crate) offset: u64,
}

impl TensorInfo {
    /// A directory entry from its parts, at offset 0; checks dimensions and computes `bytes`.
    ///
    /// ```
    /// use kinglet::gguf::TensorInfo;
    /// let t = TensorInfo::new("blk.0.ffn_up.weight", vec![512, 3], 12)?; // Q4_K
    /// assert_eq!(t.bytes, 3 * 2 * 144);
    /// assert!(TensorInfo::new("x", vec![100], 12).is_err()); // not a whole number of blocks
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn new(name: impl Into<String>, shape: Vec<u64>, ggml_type: u32) -> Result<Self> {
        let name = name.into();
        let what = || format!("tensor {}", quoted(&name));
        if shape.is_empty() || shape.len() > MAX_DIMS as usize {
            return Err(Error::bad_file(what(), "1..4 dimensions", shape.len()));
        }
        if shape.contains(&0) {
            return Err(Error::bad_file(
                what(),
                "dimensions greater than zero",
                format!("{shape:?}"),
            ));
        }
        let dtype = DType::from_ggml(ggml_type);
        let (block_len, block_bytes) = match dtype {
            Some(t) => (t.block_len() as u64, t.block_bytes() as u64),
            None => OTHER_TYPES
                .iter()
                .find(|t| t.0 == ggml_type)
                .map_or((1, 0), |t| (t.2, t.3)),
        };
        if !shape[0].is_multiple_of(block_len) {
            let expected = format!("rows of a multiple of {block_len} weights ({})", type_name(ggml_type));
            return Err(Error::bad_file(what(), expected, shape[0]));
        }
        let elements = shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        let bytes = elements.and_then(|n| (n / block_len).checked_mul(block_bytes));
        let Some(bytes) = bytes else {
            return Err(Error::bad_file(what(), "a size below 2^64 bytes", format!("{shape:?}")));
        };
        Ok(Self {
            name,
            shape,
            ggml_type,
            dtype,
            bytes,
            file: 0,
            offset: 0,
        })
    }

    /// Number of weights.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product() // cannot overflow: checked by `new`
    }

    /// Name of the storage type as GGUF tools print it, also for types that kinglet does not decode.
    pub fn type_name(&self) -> String {
        type_name(self.ggml_type)
    }
}

fn type_name(ggml_type: u32) -> String {
    if let Some(t) = DType::from_ggml(ggml_type) {
        return t.name().into();
    }
    match OTHER_TYPES.iter().find(|t| t.0 == ggml_type) {
        Some(t) => t.1.into(),
        None => format!("unknown type {ggml_type}"),
    }
}

/// Reads one directory entry; `offset` is still relative to the start of the data.
pub(super) fn read_tensor_info(c: &mut Cursor<'_>) -> Result<TensorInfo, Fail> {
    let raw = c.string().map_err(|f| f.of(|| "a tensor's name".into()))?;
    if raw.is_empty() || raw.len() > MAX_NAME_BYTES {
        return Err(Error::bad_file("a tensor's name", format!("1..{MAX_NAME_BYTES} bytes"), raw.len()).into());
    }
    let name = std::str::from_utf8(raw)
        .map_err(|_| Error::bad_file("a tensor's name", "UTF-8", quoted(&String::from_utf8_lossy(raw))))?;
    read_place(c, name).map_err(|f| f.of(|| format!("tensor {}", quoted(name))))
}

fn read_place(c: &mut Cursor<'_>, name: &str) -> Result<TensorInfo, Fail> {
    let n_dims = c.u32()?;
    if n_dims == 0 || n_dims > MAX_DIMS {
        return Err(Error::bad_file(format!("tensor {}", quoted(name)), "1..4 dimensions", n_dims).into());
    }
    let shape = (0..n_dims).map(|_| c.u64()).collect::<Result<Vec<u64>, Fail>>()?;
    let ggml_type = c.u32()?;
    let offset = c.u64()?;
    let info = TensorInfo::new(name, shape, ggml_type)?;
    Ok(TensorInfo { offset, ..info })
}
