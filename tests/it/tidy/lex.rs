//! Just enough of Rust's grammar to look at code without being misled by comments, strings and tests.

/// The text with comments and the contents of literals blanked out; line breaks stay where they are.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match (chars[i], chars.get(i + 1)) {
            ('/', Some('/')) => until(&chars, i, |rest| rest.starts_with(&['\n'])),
            ('/', Some('*')) => until(&chars, i + 2, |rest| rest.starts_with(&['*', '/'])) + 2,
            ('"', _) => string_end(&chars, i),
            ('r' | 'b', Some('"' | '#' | 'r')) if !is_word(i.checked_sub(1).map(|p| chars[p])) => raw_end(&chars, i),
            // 'x' and '\n' are characters, 'a without a closing quote is a lifetime
            ('\'', Some('\\')) => until(&chars, i + 3, |rest| rest.starts_with(&['\''])) + 1,
            ('\'', _) if chars.get(i + 2) == Some(&'\'') => i + 3,
            _ => i,
        };
        if end == i {
            out.push(chars[i]);
            i += 1;
        } else {
            let end = end.min(chars.len());
            out.extend(chars[i..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            i = end;
        }
    }
    out
}

/// [`code_only`] without items under `#[cfg(test)]`.
pub fn shipped_code(text: &str) -> String {
    let mut code = code_only(text);
    while let Some(start) = code.find("#[cfg(test)]") {
        let end = item_end(&code[start..]) + start;
        let blank: String = code[start..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        code.replace_range(start..end, &blank);
    }
    code
}

/// Where the first item of `code` ends: at a `;`, or at the brace that closes its body.
fn item_end(code: &str) -> usize {
    let mut depth = 0;
    for (i, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return i + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return i + 1,
            _ => {}
        }
    }
    code.len()
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn until(chars: &[char], from: usize, stop: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&i| stop(&chars[i..])).unwrap_or(chars.len())
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    i
}

/// The end of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`; `start` itself if this is none of them.
fn raw_end(chars: &[char], start: usize) -> usize {
    let mut i = start;
    let mut raw = false;
    while let Some(c @ ('b' | 'r')) = chars.get(i) {
        raw |= *c == 'r';
        i += 1;
    }
    let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
    if chars.get(i + hashes) != Some(&'"') || (hashes > 0 && !raw) {
        return start;
    }
    if !raw {
        return string_end(chars, i);
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    until(chars, i + hashes + 1, |rest| rest.starts_with(&close)) + close.len()
}

#[test]
fn comments_literals_and_tests_are_not_code() {
    for (text, expect) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b\n */ c", "a     \n    c"),
        (r#"f("x\"y") + 1"#, "f(      ) + 1"),
        (r##"f(r#"x"y"#) + 1"##, "f(        ) + 1"),
        ("f(b\"x\")", "f(    )"),
        ("'\"' + 'a", "    + 'a"),
        ("bar(r)", "bar(r)"),
    ] {
        assert_eq!(code_only(text), expect, "{text}");
    }
    let text = "fn a() { b(); }\n#[cfg(test)]\nmod tests { fn c() {} }\nfn d() {}";
    let code = shipped_code(text);
    assert!(
        code.contains("fn a") && code.contains("fn d") && !code.contains("fn c"),
        "{code}"
    );
}
