//! Numbers in JSON: base64 (RFC 4648, with padding) of their little-endian bytes.

use crate::error::{Result, RouteError};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as text.
pub fn from_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Text as bytes.
///
/// # Errors
/// `invalid_request` for anything that [`from_bytes`] does not write.
pub fn bytes(path: &str, text: &str) -> Result<Vec<u8>> {
    let wrong = |got: &str| RouteError::invalid(path, "base64", got);
    let letters = text.trim_end_matches('=').as_bytes();
    let padding = text.len() - letters.len();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return Err(wrong("a text of another length"));
    }
    let mut out = Vec::with_capacity(letters.len() * 3 / 4);
    for four in letters.chunks(4) {
        let mut bits = 0u32;
        for i in 0..4 {
            let value = match four.get(i) {
                None => 0,
                Some(letter) => {
                    let at = LETTERS.iter().position(|l| l == letter);
                    at.ok_or_else(|| wrong("another character"))? as u32
                }
            };
            bits = bits << 6 | value;
        }
        let count = four.len() - 1; // one letter alone is no byte
        let three = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        if three[count..].iter().any(|&b| b != 0) {
            return Err(wrong("bits behind the end"));
        }
        out.extend_from_slice(&three[..count]);
    }
    Ok(out)
}

/// Numbers as text.
pub fn from_floats(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    from_bytes(&bytes)
}

/// Text as numbers.
///
/// # Errors
/// `invalid_request` for what is no base64 of whole numbers of four bytes, or for one that is not finite.
pub fn floats(path: &str, text: &str) -> Result<Vec<f32>> {
    let bytes = bytes(path, text)?;
    let (fours, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(RouteError::invalid(
            path,
            "numbers of four bytes",
            format!("{} bytes", bytes.len()),
        ));
    }
    let values: Vec<f32> = fours.iter().map(|four| f32::from_le_bytes(*four)).collect();
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(i) => Err(RouteError::invalid(
            format!("{path}[{i}]"),
            "a finite number",
            values[i],
        )),
    }
}
