//! Models in several files.

use std::rc::Rc;

use kinglet::Result;
use kinglet::gguf::{GgufFile, Value, split_names};
use kinglet::platform::{ByteSource, FileSource, MemorySource};
use pollster::block_on;

use crate::support::root;
use crate::writer::Writer;

/// Part `no` of three; each has one tensor of two floats, filled with its number.
fn part(no: u16) -> Writer {
    Writer::default()
        .kv("split.no", &Value::U16(no))
        .kv("split.count", &Value::U16(3))
        .kv("split.tensors.count", &Value::I32(3))
        .tensor(&format!("t{no}"), &[2], 0, vec![no as u8; 8])
}

fn open(parts: &[Writer]) -> Result<GgufFile> {
    let sources = parts
        .iter()
        .map(|w| Rc::new(MemorySource::new(w.bytes())) as Rc<dyn ByteSource>);
    block_on(GgufFile::open_split(sources.collect()))
}

#[test]
fn parts_become_one_model() {
    let file = open(&[part(0), part(1), part(2)]).unwrap();
    let names: Vec<&str> = file.tensors().iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["t0", "t1", "t2"]);
    for (no, t) in file.tensors().iter().enumerate() {
        assert_eq!(block_on(file.read_tensor(t, 0, 8)).unwrap(), [no as u8; 8]);
    }
    assert_eq!(file.metadata().u32("split.count").unwrap(), Some(3));
}

#[test]
fn wrong_sets_are_refused() {
    let promised = |n| part(2).kv("split.tensors.count", &Value::I32(n));
    let cases: Vec<(&str, Vec<Writer>, &str)> = vec![
        ("none", vec![], "sources"),
        ("one missing", vec![part(0), part(1)], "split.count"),
        ("one too many", vec![part(0), part(1), part(2), part(2)], "split.count"),
        ("wrong order", vec![part(0), part(2), part(1)], "split.no"),
        ("twice the same", vec![part(0), part(0), part(1)], "split.no"),
        ("only the first, opened alone", vec![part(0)], "split.count"),
        ("a stranger", vec![part(0), Writer::default(), part(2)], "split.count"),
        (
            "a tensor twice",
            vec![part(0), part(1), part(2).f32("t0", &[1])],
            "tensors",
        ),
        (
            "a broken part",
            vec![part(0), part(1), promised(3)],
            "split.tensors.count",
        ),
    ];
    for (name, parts, names) in cases {
        let e = open(&parts).expect_err(name);
        assert!(e.to_string().contains(names), "{name}: {e}");
    }
    // The same tensor name in two parts, with a total that agrees.
    let mut twice = [part(0), part(1), part(2)];
    twice[2].tensors[0].name = b"t0".to_vec();
    let e = open(&twice).unwrap_err();
    assert!(
        e.to_string().contains("\"t0\"") && e.to_string().contains("duplicate"),
        "{e}"
    );
    // More or fewer tensors than promised.
    let mut fewer = [part(0), part(1), part(2)];
    fewer[1].tensors.clear();
    assert!(open(&fewer).unwrap_err().to_string().contains("split.tensors.count"));
}

#[test]
fn names_of_parts() {
    let none = [
        "m.gguf",
        "m-00002-of-00003.gguf",
        "m-00001-of-3.gguf",
        "m-00001-of-00000.gguf",
        "m-00001-of-00002.bin",
    ];
    for name in none {
        assert_eq!(split_names(name), None, "{name}");
    }
    let names = split_names("https://x/a-of-b/q4-00001-of-00012.gguf").unwrap();
    assert_eq!(names.len(), 12);
    assert_eq!(names[11], "https://x/a-of-b/q4-00012-of-00012.gguf");
    assert_eq!(split_names("m-00001-of-00001.gguf").unwrap(), ["m-00001-of-00001.gguf"]);
    assert_eq!(split_names("m-00001-of-99999.gguf"), None); // more than split.count can say
}

/// The committed split model holds the same tensors as its whole twin, byte for byte.
#[test]
fn a_real_split_model() {
    let dir = root().join("tests/goldens");
    let open = |name: &str| {
        let path = dir.join(name).to_str().unwrap().to_owned();
        let names = split_names(&path).unwrap_or_else(|| vec![path]);
        let sources = names
            .iter()
            .map(|n| Rc::new(FileSource::open(n).unwrap()) as Rc<dyn ByteSource>);
        block_on(GgufFile::open_split(sources.collect())).unwrap()
    };
    let (whole, split) = (open("qwen2.gguf"), open("split-00001-of-00003.gguf"));
    assert_eq!(whole.tensors().len(), split.tensors().len());
    for a in whole.tensors() {
        let b = split.tensor(&a.name).unwrap();
        assert_eq!((&a.shape, a.ggml_type), (&b.shape, b.ggml_type));
        let read = |f: &GgufFile, t| block_on(f.read_tensor(t, 0, a.bytes as usize)).unwrap();
        assert_eq!(read(&whole, a), read(&split, b), "{}", a.name);
    }
}
