//! Hostile files: whatever the bytes, the answer is a value or a typed error that names the culprit; no panic, and
//! no allocation beyond what the bytes that are there can fill.

use std::rc::Rc;

use kinglet::gguf::{Array, GgufFile, Value};
use kinglet::model::arch;
use kinglet::platform::{ByteSource, LocalFuture, MemorySource};
use kinglet::{Error, Result};
use pollster::block_on;

use crate::alloc::peak_of;
use crate::support::{Rng, count, shared};
use crate::writer::{Writer, string};

/// Peak allowance: the window on the file and the parsed copy of it, and room for directory structures.
const PEAK_PER_BYTE: usize = 16;
const PEAK_BASE: usize = 64 << 10;

fn open(bytes: &[u8]) -> Result<GgufFile> {
    let source = Rc::new(MemorySource::new(bytes.to_vec()));
    let (result, peak) = peak_of(|| block_on(GgufFile::open(source)));
    let allowed = PEAK_BASE + PEAK_PER_BYTE * bytes.len();
    assert!(peak <= allowed, "{} bytes of file, {peak} bytes of memory", bytes.len());
    result
}

/// A valid one-layer llama with every kind of metadata value.
fn tiny() -> Writer {
    let strings = |s: &[&str]| Value::Array(Array::String(s.iter().collect()));
    Writer::default()
        .kv("general.architecture", &Value::String("llama".into()))
        .kv("llama.context_length", &Value::U32(16))
        .kv("llama.embedding_length", &Value::U32(4))
        .kv("llama.block_count", &Value::U32(1))
        .kv("llama.feed_forward_length", &Value::U32(6))
        .kv("llama.attention.head_count", &Value::U32(2))
        .kv("llama.attention.head_count_kv", &Value::Array(Array::I32(vec![1])))
        .kv("llama.attention.layer_norm_rms_epsilon", &Value::F32(1e-5))
        .kv("tokenizer.ggml.tokens", &strings(&["a", "", "ü", "<s>"]))
        .kv(
            "tokenizer.ggml.scores",
            &Value::Array(Array::F32(vec![0.0, -1.0, f32::NAN, 2.0])),
        )
        .kv("x.bools", &Value::Array(Array::Bool(vec![true, false])))
        .kv("x.i64", &Value::I64(-5))
        .f32("token_embd.weight", &[4, 4])
        .f32("output_norm.weight", &[4])
        .f32("blk.0.attn_norm.weight", &[4])
        .f32("blk.0.attn_q.weight", &[4, 4])
        .f32("blk.0.attn_k.weight", &[4, 2])
        .f32("blk.0.attn_v.weight", &[4, 2])
        .f32("blk.0.attn_output.weight", &[4, 4])
        .f32("blk.0.ffn_norm.weight", &[4])
        .f32("blk.0.ffn_gate.weight", &[4, 6])
        .f32("blk.0.ffn_up.weight", &[4, 6])
        .f32("blk.0.ffn_down.weight", &[6, 4])
}

#[test]
fn the_tiny_model_is_valid() {
    for version in [2, 3] {
        let file = open(&Writer { version, ..tiny() }.bytes()).unwrap();
        assert_eq!(file.version(), version);
        let config = arch::config(file.metadata(), file.tensors()).unwrap();
        assert_eq!((config.n_head_kv, config.head_dim, config.n_vocab), (1, 2, 4));
    }
}

/// Cut anywhere, a file is truncated, and says so.
#[test]
fn every_truncation_point() {
    let tiny = tiny().bytes();
    let stories = shared("models/stories260K-f32.gguf").map(|path| std::fs::read(path).unwrap());
    // All of the header and the first data; the rest in strides.
    let points = |len: usize| (0..len.min(24 << 10)).chain((24 << 10..len).step_by(4099));
    for whole in [Some(tiny), stories].into_iter().flatten() {
        assert!(open(&whole).is_ok());
        for cut in points(whole.len()) {
            match open(&whole[..cut]) {
                Err(Error::Truncated {
                    what,
                    needed,
                    available,
                }) => {
                    assert!(
                        needed > available && available == cut as u64 && !what.is_empty(),
                        "cut at {cut}"
                    );
                }
                other => panic!("cut at {cut}: {other:?}"),
            }
        }
    }
}

/// Flipped bits give a value or a typed error, also in the step from metadata to configuration.
#[test]
fn bit_flips() {
    const SEED: u64 = 0x6767_7566;
    let mut rng = Rng(SEED);
    let whole = tiny().bytes();
    let header = tiny().header().len();
    let (mut fine, rounds) = (0, count(20_000, 2_000_000));
    for round in 0..rounds {
        let mut bytes = whole.clone();
        let flips = 1 + rng.below(4);
        let places: Vec<(usize, u8)> = (0..flips).map(|_| (rng.below(header), 1 << rng.below(8))).collect();
        places.iter().for_each(|&(at, bit)| bytes[at] ^= bit);
        let result =
            std::panic::catch_unwind(|| open(&bytes).and_then(|file| arch::config(file.metadata(), file.tensors())));
        match result {
            Ok(Ok(_)) => fine += 1,
            Ok(Err(e)) => {
                let codes = [
                    "bad_file",
                    "truncated",
                    "unsupported_feature",
                    "unsupported_type",
                    "unsupported_architecture",
                ];
                assert!(codes.contains(&e.code()), "{e}");
            }
            Err(_) => panic!("seed {SEED}, round {round}: panicked with flips at {places:?}"),
        }
    }
    println!("bit flips: {rounds} rounds, seed {SEED}: {fine} still open");
    assert!(fine < rounds / 2);
}

/// Random lengths and counts written over aligned places: the classic way to ask for absurd memory.
#[test]
fn absurd_numbers() {
    const SEED: u64 = 0x6e75_6d73;
    let mut rng = Rng(SEED);
    let (whole, header) = (tiny().bytes(), tiny().header().len());
    let absurd = [
        u64::MAX,
        i64::MAX as u64,
        u64::MAX - 7,
        1 << 63,
        1 << 48,
        u32::MAX.into(),
        1 << 31,
        1 << 28,
        0,
    ];
    let rounds = count(20_000, 1_000_000);
    for _ in 0..rounds {
        let mut bytes = whole.clone();
        let at = rng.below(header - 8);
        bytes[at..at + 8].copy_from_slice(&absurd[rng.below(absurd.len())].to_le_bytes());
        if let Ok(file) = open(&bytes) {
            let _ = arch::config(file.metadata(), file.tensors());
        }
    }
    println!("absurd numbers: {rounds} rounds, seed {SEED}");
}

/// The first tensor starts 32 bytes before 2^64 and is 64 bytes long.
fn end_overflows(w: &mut Writer) {
    let data = w.header().len().next_multiple_of(32) as u64;
    w.tensors[0].offset = Some(!31 - data);
}

/// One file for each trap: (name, file, code, what the message must name).
#[rustfmt::skip] // one row, one line
fn traps() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let empty = Writer::default;
    let with = |change: fn(&mut Writer)| {
        let mut w = tiny();
        change(&mut w);
        w.bytes()
    };
    let array = |type_id: u32, len: u64| [&type_id.to_le_bytes()[..], &len.to_le_bytes()].concat();
    let kv = |key: &str, type_id: u32, value: &[u8]| empty().raw(key.as_bytes(), type_id, value).bytes();
    let promises_an_entry = |raw: [u8; 8]| {
        let n_entries = Some(1);
        [Writer { n_entries, ..empty() }.header(), raw.into()].concat()
    };
    let aligned = |to: u32| tiny().kv("general.alignment", &Value::U32(to)).bytes();
    vec![
        ("empty", vec![], "truncated", "header"),
        ("a web page", b"<!DOCTYPE html><html></html>".to_vec(), "bad_file", "<!DO"),
        ("version 0", with(|w| w.version = 0), "unsupported_feature", "version"),
        ("version 1", with(|w| w.version = 1), "unsupported_feature", "version"),
        ("version 4", with(|w| w.version = 4), "unsupported_feature", "2, 3"),
        ("big-endian", with(|w| w.version = 3u32.swap_bytes()), "unsupported_feature", "big-endian"),
        ("count of tensors", with(|w| w.n_tensors = Some(u64::MAX)), "bad_file", "number of tensors"),
        ("more tensors than there are", with(|w| w.n_tensors = Some(60_000)), "bad_file", "tensor"),
        ("count of entries", with(|w| w.n_entries = Some(1 << 40)), "bad_file", "metadata entries"),
        ("length of a key", empty().raw(b"", 8, b"").bytes(), "bad_file", "key"),
        (
            "absurd length of a key",
            promises_an_entry([0xff; 8]),
            "truncated",
            "key",
        ),
        ("key not UTF-8", empty().raw(b"a\xffb", 0, &[1]).bytes(), "bad_file", "key"),
        ("duplicate key", tiny().kv("x.i64", &Value::U8(1)).bytes(), "bad_file", "x.i64"),
        ("unknown value type", kv("k.t", 13, &[0; 8]), "bad_file", "k.t"),
        ("bool 2", kv("k.b", 7, &[2]), "bad_file", "k.b"),
        ("string too long", kv("k.s", 8, &u64::MAX.to_le_bytes()), "truncated", "k.s"),
        ("string not UTF-8", kv("k.s", 8, &string(b"\xc3\x28")), "bad_file", "k.s"),
        ("array too long", kv("k.a", 9, &array(4, 1 << 61)), "truncated", "k.a"),
        ("array length overflows", kv("k.a", 9, &array(10, 1 << 62)), "truncated", "k.a"),
        ("array of too many strings", kv("k.a", 9, &array(8, 1 << 40)), "truncated", "k.a"),
        ("array of bools with 7", kv("k.a", 9, &[array(7, 1), vec![7]].concat()), "bad_file", "k.a"),
        ("array of unknown type", kv("k.a", 9, &array(99, 0)), "bad_file", "k.a"),
        ("array of arrays", kv("k.a", 9, &[array(9, 1), array(9, 1)].concat()), "unsupported_feature", "k.a"),
        (
            "string in an array not UTF-8",
            kv("k.a", 9, &[array(8, 2), string(b"ok"), string(b"\xff")].concat()),
            "bad_file",
            "element 1",
        ),
        ("alignment 0", aligned(0), "bad_file", "general.alignment"),
        ("alignment 48", aligned(48), "bad_file", "general.alignment"),
        ("alignment beyond the file", aligned(1 << 31), "truncated", "tensor"),
        (
            "alignment of another type",
            tiny().kv("general.alignment", &Value::F32(32.0)).bytes(),
            "bad_file",
            "general.alignment",
        ),
        ("no dimensions", with(|w| w.tensors[1].shape.clear()), "bad_file", "output_norm"),
        (
            "five dimensions",
            with(|w| w.tensors[1].shape = vec![1; 5]),
            "bad_file",
            "output_norm",
        ),
        ("dimension zero", with(|w| w.tensors[1].shape = vec![4, 0]), "bad_file", "output_norm"),
        ("elements overflow", with(|w| w.tensors[1].shape = vec![1 << 32, 1 << 32]), "bad_file", "output_norm"),
        ("bytes overflow", with(|w| w.tensors[1].shape = vec![1 << 62]), "bad_file", "output_norm"),
        ("broken block", with(|w| w.tensors[1].ggml_type = 12), "bad_file", "multiple of 256"),
        ("offset not aligned", with(|w| w.tensors[1].offset = Some(4)), "bad_file", "output_norm"),
        ("start overflows", with(|w| w.tensors[1].offset = Some(!31)), "bad_file", "output_norm"),
        ("end overflows", with(end_overflows), "bad_file", "token_embd"),
        ("data after the end", with(|w| w.tensors[1].offset = Some(1 << 40)), "truncated", "output_norm"),
        ("overlapping data", with(|w| w.tensors[1].offset = Some(0)), "bad_file", "output_norm"),
        ("duplicate tensor", tiny().f32("output_norm.weight", &[4]).bytes(), "bad_file", "output_norm"),
        ("tensor without a name", with(|w| w.tensors[1].name.clear()), "bad_file", "tensor's name"),
        ("tensor's name not UTF-8", with(|w| w.tensors[1].name = vec![0xff]), "bad_file", "tensor's name"),
        (
            "tensor's name too long",
            with(|w| w.tensors[1].name = vec![b'x'; 2000]),
            "bad_file",
            "tensor's name",
        ),
        ("one part of a split model", tiny().kv("split.count", &Value::U16(2)).bytes(), "bad_file", "split.count"),
    ]
}

#[test]
fn each_trap_has_a_typed_error() {
    for (name, bytes, code, names) in traps() {
        match open(&bytes) {
            Ok(_) => panic!("{name}: opened"),
            Err(e) => {
                assert_eq!(e.code(), code, "{name}: {e}");
                assert!(e.to_string().contains(names), "{name}: {e}");
                assert!(e.to_string().len() < 500, "{name}: {e}");
            }
        }
    }
}

/// Types that kinglet does not decode, and even unknown ones, may lie in the directory; only using them is an error.
#[test]
fn unknown_tensor_types_are_listed() {
    let bytes = tiny()
        .tensor("odd", &[3], 1234, vec![0; 7])
        .tensor("iq", &[256], 23, vec![0; 136])
        .bytes();
    let file = open(&bytes).unwrap();
    let (odd, iq) = (file.tensor("odd").unwrap(), file.tensor("iq").unwrap());
    assert_eq!(
        (odd.dtype, odd.bytes, odd.type_name().as_str()),
        (None, 0, "unknown type 1234")
    );
    assert_eq!((iq.dtype, iq.bytes, iq.type_name().as_str()), (None, 136, "IQ4_XS"));
    assert!(block_on(file.read_tensor(odd, 0, 1)).is_err());
}

/// Gaps between tensors are fine, and the directory comes in the order of the data.
#[test]
fn directory_order_is_data_order() {
    let mut w = Writer::default().f32("late", &[2]).f32("early", &[2]);
    w.tensors[0].offset = Some(96);
    w.tensors[1].offset = Some(32);
    w.tensors[0].data = vec![7; 8];
    let mut bytes = w.header();
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes.extend([0; 96]);
    bytes.extend([7; 8]);
    let file = open(&bytes).unwrap();
    assert_eq!(
        file.tensors().iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["early", "late"]
    );
    let late = file.tensor("late").unwrap();
    assert_eq!(block_on(file.read_tensor(late, 4, 4)).unwrap(), [7; 4]);
}

/// A server that does not tell the length: the header still opens, and the end is found by reading.
#[test]
fn length_unknown() {
    struct Stream(MemorySource<'static>);
    impl ByteSource for Stream {
        fn name(&self) -> String {
            "stream".into()
        }
        fn len(&self) -> Option<u64> {
            None
        }
        fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
            self.0.read(offset, len)
        }
    }
    let open = |bytes: Vec<u8>| block_on(GgufFile::open(Rc::new(Stream(MemorySource::new(bytes)))));
    let whole = tiny().bytes();
    assert_eq!(open(whole.clone()).unwrap().tensors().len(), tiny().tensors.len());
    let header = tiny().header().len();
    for cut in 0..header {
        assert_eq!(
            open(whole[..cut].to_vec()).unwrap_err().code(),
            "truncated",
            "cut at {cut}"
        );
    }
    let endless = [
        Writer {
            n_entries: Some(1),
            ..Writer::default()
        }
        .header(),
        (1u64 << 40).to_le_bytes().into(),
    ]
    .concat();
    assert!(open(endless).is_err());
}
