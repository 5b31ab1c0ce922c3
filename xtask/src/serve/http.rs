//! The parts of HTTP that a page with one large file needs: a byte range, a media type, percent coding.

use std::path::Path;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq)]
pub enum Range {
    /// First and last byte, both included.
    Bytes(u64, u64),
    /// Not understood (several ranges, another unit): the whole file is a valid answer.
    Ignored,
    Unsatisfiable,
}

/// Reads `bytes=FIRST-LAST` for a file of `size` bytes.
pub fn parse_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Range::Ignored;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(a), Ok(b)) if a <= b && a < size => Range::Bytes(a, b.min(size - 1)),
        (Ok(a), Err(_)) if last.is_empty() && a < size => Range::Bytes(a, size - 1),
        (Err(_), Ok(n)) if first.is_empty() && n > 0 && size > 0 => Range::Bytes(size - n.min(size), size - 1),
        (Ok(a), _) if a >= size => Range::Unsatisfiable,
        _ => Range::Ignored,
    }
}

/// By the name's extension.
pub fn mime(path: &Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()).unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        "ts" | "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// `%41` to `A`; what is no such code stays as it is.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let hex = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], hex(i + 1), hex(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 3;
            }
            (byte, ..) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A file name as a part of a URL.
pub fn percent_encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| {
            if plain(b) {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, size, expect) in [
            ("bytes=0-3", 10, Range::Bytes(0, 3)),
            ("bytes=4-", 10, Range::Bytes(4, 9)),
            ("bytes=-4", 10, Range::Bytes(6, 9)),
            ("bytes=-40", 10, Range::Bytes(0, 9)),
            ("bytes=8-99", 10, Range::Bytes(8, 9)),
            ("bytes=10-12", 10, Range::Unsatisfiable),
            ("bytes=0-0", 0, Range::Unsatisfiable),
            ("bytes=3-2", 10, Range::Ignored),
            ("bytes=0-1,4-5", 10, Range::Ignored),
            ("lines=0-1", 10, Range::Ignored),
        ] {
            assert_eq!(parse_range(text, size), expect, "{text} of {size}");
        }
    }

    #[test]
    fn what_browsers_look_at_the_type_of() {
        for (name, expect) in [
            ("manifest.webmanifest", "application/manifest+json"),
            ("pdf.worker.mjs", "text/javascript; charset=utf-8"),
            ("a.pdf", "application/pdf"),
            ("x.gguf", "application/octet-stream"),
        ] {
            assert_eq!(mime(Path::new(name)), expect, "{name}");
        }
    }

    #[test]
    fn percent_coding_round_trip() {
        for name in ["a b.gguf", "ä%20.gguf", "plain-1.0_x~.gguf"] {
            assert_eq!(percent_decode(&percent_encode(name)), name);
        }
        assert_eq!(percent_decode("/%2"), "/%2");
    }
}
