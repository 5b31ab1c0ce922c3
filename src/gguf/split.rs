//! Models in several files: `m-00001-of-00003.gguf` and so on.
//!
//! Each part is a whole GGUF file with its own tensors. `split.no` counts from 0, `split.count` is the number of
//! parts, `split.tensors.count` the number of tensors in all of them. Only the first part has the model's metadata.

use super::header::Header;
use crate::error::{Error, Result};

/// Bound on the number of parts; the naming scheme has five digits, the metadata sixteen bits.
const MAX_PARTS: u32 = u16::MAX as u32;

/// The names of all parts when `first` is the name (or path, or URL without query) of the first one.
///
/// ```
/// use kinglet::gguf::split_names;
/// let names = split_names("m-00001-of-00002.gguf").unwrap();
/// assert_eq!(names, ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]);
/// assert_eq!(split_names("m.gguf"), None);
/// ```
pub fn split_names(first: &str) -> Option<Vec<String>> {
    let stem = first.strip_suffix(".gguf")?;
    let (stem, count) = stem.rsplit_once("-of-")?;
    let prefix = stem.strip_suffix("-00001")?;
    if count.len() != 5 || !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u32 = count.parse().ok().filter(|n| (1..=MAX_PARTS).contains(n))?;
    Some(
        (1..=count)
            .map(|no| format!("{prefix}-{no:05}-of-{count:05}.gguf"))
            .collect(),
    )
}

/// Checks that `headers` are the parts of one model, all of them, in order.
pub(super) fn check(headers: &[Header]) -> Result<()> {
    let parts = headers.len() as u64;
    for (no, header) in headers.iter().enumerate() {
        let count = header.metadata.u64("split.count")?.unwrap_or(1);
        // A model in one file may still carry `split.count` 0 or 1.
        if count.max(1) != parts {
            let what = format!("metadata key \"split.count\" of part {no}");
            let expected = format!("{parts}, the number of files given");
            return Err(Error::bad_file(what, expected, count));
        }
        let got = header.metadata.u64("split.no")?;
        if parts > 1 && got != Some(no as u64) {
            let what = format!("metadata key \"split.no\" of part {no}");
            return Err(Error::bad_file(what, no, got.map_or("none".into(), |n| n.to_string())));
        }
    }
    let total: u64 = headers.iter().map(|h| h.tensors.len() as u64).sum();
    let promised = headers
        .first()
        .map(|h| h.metadata.u64("split.tensors.count"))
        .transpose()?
        .flatten();
    match promised {
        Some(n) if n != total => Err(Error::bad_file(
            "metadata key \"split.tensors.count\"",
            n,
            format!("{total} tensors"),
        )),
        _ => Ok(()),
    }
}
