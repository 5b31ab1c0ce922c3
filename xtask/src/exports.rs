//! Takes exports out of a Wasm module: a library that the module is linked with may export an interface of its own, and
//! what is exported cannot be dropped as unused.

use anyhow::{Context, Result};

/// The number of the section with the exports.
const EXPORTS: u8 = 7;
/// "\0asm" and the version.
const HEADER: usize = 8;

/// The module without the exports whose names begin with `prefix`.
pub fn without(module: &[u8], prefix: &str) -> Result<Vec<u8>> {
    let mut at = HEADER;
    let mut out = module.get(..HEADER).context("not a Wasm module")?.to_vec();
    while at < module.len() {
        let kind = module[at];
        at += 1;
        let length = number(module, &mut at)?;
        let end = at + length;
        let body = module.get(at..end).context("a section beyond the module's end")?;
        let body = match kind {
            EXPORTS => kept(body, prefix)?,
            _ => body.to_vec(),
        };
        out.push(kind);
        write(&mut out, body.len());
        out.extend(body);
        at = end;
    }
    Ok(out)
}

fn kept(section: &[u8], prefix: &str) -> Result<Vec<u8>> {
    let mut at = 0;
    let count = number(section, &mut at)?;
    let mut entries: Vec<u8> = Vec::new();
    let mut left = 0;
    for _ in 0..count {
        let begin = at;
        let length = number(section, &mut at)?;
        let name = section.get(at..at + length).context("an export without its name")?;
        at += length + 1; // and its kind
        number(section, &mut at)?;
        if !name.starts_with(prefix.as_bytes()) {
            entries.extend(&section[begin..at]);
            left += 1;
        }
    }
    let mut out = Vec::new();
    write(&mut out, left);
    out.extend(entries);
    Ok(out)
}

/// An unsigned number in LEB128.
fn number(bytes: &[u8], at: &mut usize) -> Result<usize> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(*at).context("a number that does not end")?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift > 28 {
            return Ok(value);
        }
    }
}

fn write(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn only_the_named_exports_go() {
        let module = [
            &b"\0asm\x01\0\0\0"[..],
            &[1, 1, 0, 7, 11, 2, 3, b'a', b'_', b'x', 0, 1, 1, b'b', 0, 2],
            &[10, 1, 0],
        ]
        .concat();
        let expect = [&b"\0asm\x01\0\0\0"[..], &[1, 1, 0, 7, 5, 1, 1, b'b', 0, 2], &[10, 1, 0]].concat();
        assert_eq!(without(&module, "a_").expect("a module"), expect);
        assert_eq!(without(&module, "c_").expect("a module"), module);
        assert!(without(&module[..14], "a_").is_err());
    }
}
