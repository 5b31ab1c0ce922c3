//! Text from tokens as they come.

use super::tokenizer::{Special, Tokenizer};

/// Joins the bytes of tokens into text that is complete at every step.
///
/// A character's bytes may be spread over several tokens: they are held back until it is whole. Bytes that can never
/// become a character turn into U+FFFD as soon as that is clear, so that the pieces together are what
/// [`Tokenizer::decode`] gives for all the tokens.
#[derive(Debug, Clone)]
pub struct TokenStream {
    special: Special,
    /// The next visible token opens the text: its prefix space goes.
    opening: bool,
    pending: Vec<u8>,
}

impl TokenStream {
    /// A stream for a text of its own.
    pub fn new(special: Special) -> Self {
        Self {
            special,
            opening: true,
            pending: Vec::new(),
        }
    }

    /// A stream for text that continues other text: a leading space is a space.
    pub fn continuing(special: Special) -> Self {
        Self {
            opening: false,
            ..Self::new(special)
        }
    }

    /// Adds a token; returns the text that is complete now, often one word, sometimes nothing.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> String {
        if self.special == Special::AsText && tokenizer.is_markup(id) {
            return String::new();
        }
        let bytes = tokenizer.token_bytes(id);
        let opens = std::mem::take(&mut self.opening) && tokenizer.has_space_prefix() && !tokenizer.is_markup(id);
        let skip = usize::from(opens && bytes.first() == Some(&b' '));
        self.pending.extend(&bytes[skip..]);
        self.complete(false)
    }

    /// Ends the text: what was held back becomes U+FFFD.
    pub fn flush(&mut self) -> String {
        self.complete(true)
    }

    fn complete(&mut self, last: bool) -> String {
        let mut text = String::new();
        let mut done = 0;
        for chunk in self.pending.utf8_chunks() {
            text.push_str(chunk.valid());
            done += chunk.valid().len();
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            // only bytes at the very end may still be completed
            let at_end = done + invalid.len() == self.pending.len();
            let unfinished = at_end && std::str::from_utf8(invalid).is_err_and(|e| e.error_len().is_none());
            if unfinished && !last {
                break;
            }
            text.push(char::REPLACEMENT_CHARACTER);
            done += invalid.len();
        }
        self.pending.drain(..done);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(chunks: &[&[u8]]) -> Vec<String> {
        let mut stream = TokenStream::new(Special::AsText);
        let mut out: Vec<String> = chunks
            .iter()
            .map(|chunk| {
                stream.pending.extend(*chunk);
                stream.complete(false)
            })
            .collect();
        out.push(stream.flush());
        out
    }

    #[test]
    fn every_split_of_every_length() {
        let text = "aé日🙂👍🏽z";
        let bytes = text.as_bytes();
        for i in 0..=bytes.len() {
            for j in i..=bytes.len() {
                let got = pieces(&[&bytes[..i], &bytes[i..j], &bytes[j..]]);
                assert_eq!(got.concat(), text, "split at {i} and {j}");
                assert!(!got.concat().contains('\u{fffd}'));
            }
        }
    }

    #[test]
    fn invalid_bytes_are_replaced_no_sooner_than_certain() {
        assert_eq!(pieces(&[b"\xf0\x9f", b"\x99\x82"]), ["", "🙂", ""]);
        assert_eq!(pieces(&[b"\xf0\x9f", b"a"]), ["", "\u{fffd}a", ""]);
        assert_eq!(pieces(&[b"a\x80b"]), ["a\u{fffd}b", ""]);
        assert_eq!(pieces(&[b"\xe6\x97"]), ["", "\u{fffd}"]);
        assert_eq!(pieces(&[b"\xc0", b"\x80"]), ["\u{fffd}", "\u{fffd}", ""]);
    }

    #[test]
    fn pieces_agree_with_decoding_at_once() {
        // every string of three bytes out of these, cut at every place
        let alphabet = [b'a', 0x80, 0xbf, 0xc3, 0xe0, 0xed, 0xf0, 0xf4, 0xff];
        for a in alphabet {
            for b in alphabet {
                for c in alphabet {
                    let whole = String::from_utf8_lossy(&[a, b, c]).into_owned();
                    assert_eq!(pieces(&[&[a], &[b], &[c]]).concat(), whole, "{a:x} {b:x} {c:x}");
                }
            }
        }
    }
}
