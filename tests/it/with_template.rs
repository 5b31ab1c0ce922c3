//! A chat template for a model file that has none. The native tool's tests use it, too.

/// Puts a metadata string at the front of a GGUF file. Its length is padded (in a Jinja comment) to a multiple of the
/// alignment, so that everything behind it moves by whole alignments.
pub fn with_template(file: &[u8], template: &str) -> Vec<u8> {
    let key = "tokenizer.chat_template";
    let head = 8 + key.len() + 4 + 8;
    let comment = (32 - (head + template.len() + 4) % 32) % 32;
    let template = format!("{template}{{#{}#}}", " ".repeat(comment));
    let mut kv = (key.len() as u64).to_le_bytes().to_vec();
    kv.extend(key.as_bytes());
    kv.extend(8u32.to_le_bytes()); // type string
    kv.extend((template.len() as u64).to_le_bytes());
    kv.extend(template.as_bytes());
    assert_eq!(kv.len() % 32, 0);
    // magic, version, tensor count, then the count of metadata entries at byte 16
    let count = u64::from_le_bytes(file[16..24].try_into().expect("8 bytes"));
    let mut out = file[..16].to_vec();
    out.extend((count + 1).to_le_bytes());
    out.extend(kv);
    out.extend(&file[24..]);
    out
}
