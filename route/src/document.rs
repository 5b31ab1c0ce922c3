//! Documents from outside: JSON that is read strictly, with errors that name the path, and numbers that are numbers.

use serde::de::DeserializeOwned;

use crate::{Result, RouteError};

/// The longest document that is read: far beyond a profile of many groups, far below what a device could not hold.
pub const MAX_BYTES: usize = 16 << 20;

/// The largest number of micro-units or tokens that is taken: what a double holds exactly, so that JavaScript can say it.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Reads a document; `name` begins the path in errors.
///
/// # Errors
///
/// `invalid_request` with the path, for what is no JSON, an unknown field, a wrong type, a number that is none.
pub fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    read_by(name, text, "docs/routing.md")
}

/// The same of a document that another page describes.
///
/// # Errors
///
/// As [`read`].
pub fn read_by<T: DeserializeOwned>(name: &str, text: &str, page: &str) -> Result<T> {
    if text.len() > MAX_BYTES {
        let expected = format!("at most {MAX_BYTES} bytes");
        return Err(RouteError::invalid(name, expected, format!("{} bytes", text.len())));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let inner = error.path().to_string();
        let path = if inner == "." {
            name.to_string()
        } else {
            format!("{name}.{inner}")
        };
        RouteError::invalid(path, format!("what {page} says of it"), error.inner())
    })?;
    json.end()
        .map_err(|error| RouteError::invalid(name, "one JSON document", error))?;
    Ok(value)
}

/// Reads a document that a program has written: an error says what is wrong, and no path. That takes far less code.
///
/// # Errors
///
/// `invalid_request` for what [`read`] refuses.
pub fn read_plain<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    if text.len() > MAX_BYTES {
        let expected = format!("at most {MAX_BYTES} bytes");
        return Err(RouteError::invalid(name, expected, format!("{} bytes", text.len())));
    }
    serde_json::from_str(text).map_err(|error| RouteError::invalid(name, "what docs/budget.md says of it", error))
}

/// Refuses what is not finite.
pub fn finite(path: &str, value: Option<f64>) -> Result<()> {
    match value {
        Some(value) if !value.is_finite() => Err(RouteError::invalid(path, "a finite number", value)),
        _ => Ok(()),
    }
}

/// Refuses what is not between two numbers, both included.
pub fn between(path: &str, value: Option<f64>, low: f64, high: f64) -> Result<()> {
    match value {
        Some(value) if !(low..=high).contains(&value) => Err(RouteError::invalid(
            path,
            format!("a number from {low} to {high}"),
            value,
        )),
        _ => Ok(()),
    }
}

/// Refuses integers beyond [`MAX_INTEGER`].
pub fn integer(path: &str, value: Option<u64>) -> Result<()> {
    match value {
        Some(value) if value > MAX_INTEGER => Err(RouteError::invalid(
            path,
            format!("an integer of at most {MAX_INTEGER}"),
            value,
        )),
        _ => Ok(()),
    }
}
