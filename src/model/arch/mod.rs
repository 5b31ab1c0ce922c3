//! Model families: each maps a file's metadata to a [`DecoderConfig`]. One row in a table, one small file each.
//!
//! A configuration is only returned for a file that the decoder runs *correctly*: every tensor that the layout needs
//! is there in its exact shape and a known format, no tensor is left over, and no key asks for something that the
//! decoder would silently leave out.

mod fields;
mod llama;
mod phi3;
mod qwen2;
mod qwen3;
mod rope;
mod shapes;

use crate::error::{Error, Result};
use crate::gguf::{Metadata, TensorInfo};
use crate::model::config::DecoderConfig;
use fields::Fields;

/// A family: `general.architecture` and how its configuration is read.
type Family = (&'static str, fn(&Fields<'_>) -> Result<DecoderConfig>);

const FAMILIES: [Family; 4] = [
    ("phi3", phi3::config),
    ("llama", llama::config),
    ("qwen2", qwen2::config),
    ("qwen3", qwen3::config),
];

/// Names of the supported families.
pub fn supported() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|f| f.0)
}

/// The checked configuration of a model.
///
/// Errors: [`Error::UnsupportedArchitecture`], [`Error::UnsupportedFeature`] and [`Error::UnsupportedType`] for files
/// that kinglet does not run; [`Error::BadFile`] for keys and tensors that are missing or contradict each other.
///
/// ```
/// use kinglet::gguf::{Metadata, Value};
/// let meta = Metadata::from_entries(vec![("general.architecture".into(), Value::String("mamba".into()))])?;
/// let error = kinglet::model::arch::config(&meta, &[]).unwrap_err();
/// assert_eq!(error.code(), "unsupported_architecture");
/// # Ok::<(), kinglet::Error>(())
/// ```
pub fn config(meta: &Metadata, tensors: &[TensorInfo]) -> Result<DecoderConfig> {
    let key = "general.architecture";
    let Some(name) = meta.str(key)? else {
        return Err(Error::bad_file(format!("metadata key {key:?}"), "a string", "none"));
    };
    let Some(&(arch, read)) = FAMILIES.iter().find(|f| f.0 == name) else {
        return Err(Error::UnsupportedArchitecture {
            got: name.chars().take(80).collect(),
            supported: supported().collect::<Vec<_>>().join(", "),
        });
    };
    let fields = Fields::new(arch, meta, tensors);
    fields.refuse_unknown_features()?;
    let config = read(&fields)?;
    shapes::check(&config, &fields)?;
    Ok(config)
}
