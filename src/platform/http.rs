//! What an HTTP answer to a range request means. Pure: the client itself is in `web.rs`.

use std::ops::Range;

use crate::error::{Error, Result};

/// The parts of an answer that matter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply<'a> {
    pub status: u16,
    pub status_text: &'a str,
    /// Absent also where CORS hides it.
    pub content_range: Option<&'a str>,
    pub content_length: Option<u64>,
    /// The body is compressed: `content_length` is not the number of bytes that will arrive.
    pub encoded: bool,
}

/// Which bytes of the file the body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// False: the server ignores ranges and sends the whole file.
    pub ranged: bool,
    pub start: u64,
    /// `None`: until the body ends.
    pub end: Option<u64>,
    /// Length of the file, where the answer tells.
    pub total: Option<u64>,
}

/// Checks the answer to a request for the bytes `want` of a file of length `known` (if known).
pub(super) fn extent(url: &str, want: Range<u64>, known: Option<u64>, reply: Reply<'_>) -> Result<Extent> {
    let fail = |message: String| {
        Err(Error::Http {
            url: url.to_owned(),
            status: reply.status,
            message,
        })
    };
    let length = reply.content_length.filter(|_| !reply.encoded);
    let extent = match (reply.status, reply.content_range) {
        (200, _) if want.start > 0 => {
            return fail(format!(
                "bytes from {} were asked for, the whole file was sent",
                want.start
            ));
        }
        (200, _) => Extent {
            ranged: false,
            start: 0,
            end: length,
            total: length,
        },
        (206, Some(header)) => {
            let Some((start, end, total)) = content_range(header) else {
                return fail(format!("content-range {header:?} is not understood"));
            };
            if start != want.start || end > want.end {
                let (first, last) = (want.start, want.end - 1);
                return fail(format!(
                    "bytes {first}-{last} were asked for, content-range says {header:?}"
                ));
            }
            if length.is_some_and(|n| n != end - start) {
                return fail(format!(
                    "content-length {length:?} contradicts content-range {header:?}"
                ));
            }
            Extent {
                ranged: true,
                start,
                end: Some(end),
                total,
            }
        }
        (206, None) => {
            let end = length.map(|n| want.start.saturating_add(n));
            if end.is_some_and(|end| end > want.end) {
                return fail(format!(
                    "{} bytes were asked for, content-length is {length:?}",
                    want.end - want.start
                ));
            }
            Extent {
                ranged: true,
                start: want.start,
                end,
                total: end.filter(|&end| end < want.end), // cut short: the file ends there
            }
        }
        (416, _) => return fail(format!("the file has no bytes from {}", want.start)),
        _ => return fail(reply.status_text.to_owned()),
    };
    match (known, extent.total) {
        (Some(before), Some(now)) if before != now => fail(format!("the file had {before} bytes, now it has {now}")),
        _ => Ok(extent),
    }
}

/// `bytes 0-9/100` as (start, exclusive end, total); `*` as total is unknown.
fn content_range(header: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.trim().split_once('-')?;
    let (start, end) = (first.parse().ok()?, last.parse::<u64>().ok()?.checked_add(1)?);
    let total = match total.trim() {
        "*" => None,
        n => Some(n.parse().ok()?),
    };
    (start < end && total.is_none_or(|t| end <= t)).then_some((start, end, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_range: Option<&str>, content_length: Option<u64>) -> Result<Extent> {
        let reply = Reply {
            status,
            status_text: "text",
            content_range,
            content_length,
            encoded: false,
        };
        extent("u", 10..20, Some(100), reply)
    }

    #[test]
    fn good_answers() {
        let full = Extent {
            ranged: true,
            start: 10,
            end: Some(20),
            total: Some(100),
        };
        assert_eq!(answer(206, Some("bytes 10-19/100"), Some(10)), Ok(full));
        assert_eq!(
            answer(206, Some("bytes 10-19/*"), None),
            Ok(Extent { total: None, ..full })
        );
        // CORS hides the header: the length must do.
        assert_eq!(answer(206, None, Some(10)), Ok(Extent { total: None, ..full }));
        assert_eq!(
            answer(206, None, None),
            Ok(Extent {
                end: None,
                total: None,
                ..full
            })
        );
    }

    #[test]
    fn wrong_answers_are_typed() {
        let cases: [(u16, Option<&str>, Option<u64>, &str); 13] = [
            (206, Some("bytes 0-9/100"), None, "content-range says"),
            (206, Some("bytes 10-29/100"), None, "content-range says"),
            (206, Some("bytes 10-19/5"), None, "not understood"),
            (206, Some("bytes 19-10/100"), None, "not understood"),
            (206, Some("bytes 10-18446744073709551615/*"), None, "not understood"),
            (206, Some("items 10-19/100"), None, "not understood"),
            (206, Some("bytes 10-19/100"), Some(9), "contradicts"),
            (206, Some("bytes 10-19/99"), None, "had 100 bytes"),
            (206, None, Some(11), "content-length"),
            (200, None, Some(100), "whole file"),
            (416, None, None, "no bytes from 10"),
            (404, None, None, "text"),
            (503, None, None, "text"),
        ];
        for (status, range, length, part) in cases {
            let error = answer(status, range, length).unwrap_err();
            assert_eq!(error.code(), "http");
            assert_eq!(error.detail()["status"], status);
            assert!(
                error.to_string().contains(part),
                "{status} {range:?} {length:?}: {error}"
            );
        }
    }

    #[test]
    fn a_server_without_ranges() {
        let mut reply = Reply {
            status: 200,
            status_text: "OK",
            content_range: None,
            content_length: Some(7),
            encoded: false,
        };
        let whole = Extent {
            ranged: false,
            start: 0,
            end: Some(7),
            total: Some(7),
        };
        assert_eq!(extent("u", 0..1000, None, reply), Ok(whole));
        reply.encoded = true; // content-length counts compressed bytes
        assert_eq!(
            extent("u", 0..1000, None, reply),
            Ok(Extent {
                end: None,
                total: None,
                ..whole
            })
        );
    }
}
