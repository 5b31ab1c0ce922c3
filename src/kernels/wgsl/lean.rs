//! Shader text without comments and indentation, which a page need not download. Made while kinglet is compiled; what is
//! compiled natively keeps them, and the line numbers of the files.

/// Copies to `out` what a compiler of WGSL reads of `text`, and the lines that import; returns its length, of which as much
/// is copied as there is room for.
pub(super) const fn lean(text: &[u8], out: &mut [u8]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < text.len() {
        let mut end = at;
        while end < text.len() && text[end] != b'\n' {
            end += 1;
        }
        let mut begin = at;
        while begin < end && text[begin].is_ascii_whitespace() {
            begin += 1;
        }
        at = end + 1;
        let mut stop = begin;
        while stop < end && (imports(text, begin) || !is(text, stop, b"//")) {
            stop += 1;
        }
        while stop > begin && text[stop - 1].is_ascii_whitespace() {
            stop -= 1;
        }
        let mut from = begin;
        while from < stop {
            length = push(text[from], out, length);
            from += 1;
        }
        if stop > begin {
            length = push(b'\n', out, length);
        }
    }
    length
}

const fn imports(text: &[u8], at: usize) -> bool {
    is(text, at, b"//!import ")
}

const fn is(text: &[u8], at: usize, word: &[u8]) -> bool {
    let mut i = 0;
    while i < word.len() {
        if at + i >= text.len() || text[at + i] != word[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn push(byte: u8, out: &mut [u8], at: usize) -> usize {
    if at < out.len() {
        out[at] = byte;
    }
    at + 1
}

/// The text of a file as this build has it.
#[cfg(target_arch = "wasm32")]
macro_rules! text {
    ($path:expr) => {{
        const WHOLE: &str = include_str!($path);
        const LENGTH: usize = lean::lean(WHOLE.as_bytes(), &mut []);
        const LEAN: [u8; LENGTH] = {
            let mut out = [0; LENGTH];
            lean::lean(WHOLE.as_bytes(), &mut out);
            out
        };
        match std::str::from_utf8(&LEAN) {
            Ok(text) => text,
            Err(_) => WHOLE,
        }
    }};
}

/// The text of a file as this build has it.
#[cfg(not(target_arch = "wasm32"))]
macro_rules! text {
    ($path:expr) => {
        include_str!($path)
    };
}

pub(super) use text;

#[cfg(test)]
mod tests {
    use super::super::{FRAGMENTS, KERNELS};
    use super::lean;

    fn leaned(text: &str) -> String {
        let mut out = vec![0; lean(text.as_bytes(), &mut [])];
        lean(text.as_bytes(), &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn only_what_people_read_is_left_out() {
        let text = "// a\n  //!import b\n\n    let x = a / b; // c\r\n\tlet y = 1u;  \n}";
        assert_eq!(leaned(text), "//!import b\nlet x = a / b;\nlet y = 1u;\n}\n");
        assert_eq!(leaned(""), "");
    }

    /// WGSL knows no difference between one white space and another.
    #[test]
    fn every_shader_keeps_its_words() {
        let words = |text: &str| -> Vec<String> {
            let of = |line: &str| match line.trim_start().starts_with("//!import") {
                true => line.to_owned(),
                false => line.split("//").next().unwrap_or_default().to_owned(),
            };
            let lines: Vec<String> = text.lines().map(of).collect();
            lines.join(" ").split_whitespace().map(str::to_owned).collect()
        };
        for (name, text) in KERNELS.iter().chain(FRAGMENTS) {
            assert!(!text.contains("/*"), "{name}: comments begin with //");
            let short = leaned(text);
            assert_eq!(words(&short), words(text), "{name}");
            assert!(short.len() < text.len(), "{name} has no comment that says what it is");
        }
    }
}
