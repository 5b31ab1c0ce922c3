//! What a Lark grammar may hold: whatever `llguidance` would read leniently, or leave to whoever samples, is refused.

use crate::error::{GrammarError, Result};

/// Refuses what would not be enforced.
pub(crate) fn check(text: &str, path: &str) -> Result<()> {
    let unsupported = |message: &str| Err(GrammarError::unsupported(path, message));
    if text.trim().is_empty() {
        return Err(GrammarError::invalid(path, "an empty grammar"));
    }
    if text.contains("::=") {
        return unsupported("this looks like GBNF; write it in Lark: \"root ::= a | b\" is \"start: a | b\"");
    }
    // Schemas in a grammar would be read leniently, past the check of their keywords.
    if text.contains("%json") {
        return unsupported("\"%json\" in a Lark grammar; use response_format for a schema");
    }
    if sets_temperature(&code(text)) {
        return unsupported("the attribute \"temperature\" of a rule; the request has one for the whole answer");
    }
    Ok(())
}

/// Whether a rule has the attribute: `rule[temperature=0.5]: …`.
fn sets_temperature(code: &str) -> bool {
    const NAME: &str = "temperature";
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    code.match_indices(NAME).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + NAME.len()..]);
        !before.ends_with(in_name) && after.trim_start_matches([' ', '\t']).starts_with('=')
    })
}

/// The text without its strings, expressions, names of tokens and comments.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '#' => line(rest),
            '/' if rest.starts_with("//") => line(rest),
            '"' | '/' => quoted(rest, c),
            '<' => token(rest),
            _ => 0,
        };
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

/// Bytes of a comment, without its line break.
fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// Bytes up to the second `quote` that no backslash stands before; 0 where there is none.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|&(_, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(0, |(at, _)| at + quote.len_utf8())
}

/// Bytes of `<name>`; 0 where it is none.
fn token(text: &str) -> usize {
    let end = text[1..].find(|c: char| c == '<' || c == '>' || c.is_whitespace());
    end.filter(|&at| at > 0 && text[1 + at..].starts_with('>'))
        .map_or(0, |at| at + 2)
}
