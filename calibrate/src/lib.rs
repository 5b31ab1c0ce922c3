//! From labelled answers to a calibration, behind texts of JSON: what `kinglet route calibrate` does, in a page. Most pages
//! never do it, so it is a Wasm module of its own; all of the arithmetic is [`kinglet_route`]'s.

#![deny(unsafe_code)]

mod options;
#[cfg(target_arch = "wasm32")]
mod wasm;

pub use options::Options;

use kinglet_route::document::read;
use kinglet_route::lint::{Expected, Finding, admit, lint};
use kinglet_route::{Profile, Result, RouteError, calibrate, evaluate};
use serde::Serialize;

/// A calibration, and what is doubtful about the rows that it was made of.
#[derive(Debug, Serialize)]
pub struct Made {
    /// The calibration.
    pub profile: Profile,
    /// What the lint found.
    pub findings: Vec<Finding>,
}

/// Makes a profile of rows, JSON Lines as docs/route.md describes them, as `options` say (JSON, see [`Options`]): the same
/// rows and options give the bytes that the native tool prints.
///
/// # Errors
/// `invalid_request` with the line or the path of what makes no sense; `cannot_certify` with `n` and `needed`.
pub fn calibrated(rows: &str, options: &str) -> Result<Made> {
    let options: Options = read("options", options)?;
    let rows = evaluate::read(rows)?;
    let rows: Vec<calibrate::Row> = rows.iter().map(evaluate::Row::labelled).collect();
    let stops = options.stops();
    let (options, features) = options.of(&rows)?;
    let expected = Expected {
        features,
        target: Some(options.target),
        ..Expected::default()
    };
    let findings = lint(&rows, &expected);
    let despite = admit(&findings, stops)?;
    let mut profile = calibrate::calibrate(&rows, &options)?;
    profile.notes.extend(despite);
    let profile = profile.checked()?;
    Ok(Made { profile, findings })
}

/// The same as a text.
///
/// # Errors
/// As [`calibrated`].
pub fn calibrated_text(rows: &str, options: &str) -> Result<String> {
    let made = calibrated(rows, options)?;
    serde_json::to_string(&made).map_err(|e| RouteError::invalid("calibration", "what JSON can say", e))
}

#[cfg(test)]
mod tests;
