//! Small models with spoilt headers through the whole engine: tokenizer, loader, forward pass, sampler. Whatever was
//! spoilt, the answer is text or a typed error.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use kinglet::Result;
use kinglet::platform::{ByteSource, MemorySource};
use kinglet::session::{BackendChoice, Request, Session, SessionOptions};
use pollster::block_on;
use serde_json::json;

use crate::support::{Rng, count, root};

/// Two tokens of answer from the model in `bytes`.
fn answer(bytes: Vec<u8>) -> Result<()> {
    let options = SessionOptions {
        backend: BackendChoice::Cpu,
        n_ctx: Some(16),
        ..SessionOptions::default()
    };
    let body = json!({"prompt": "Hi <s>é", "max_tokens": 2, "logprobs": 2, "temperature": 0.5, "seed": 1});
    let request = Request::completion(&body)?;
    block_on(async {
        let sources = vec![Rc::new(MemorySource::new(bytes)) as Rc<dyn ByteSource>];
        let mut session = Session::load(sources, &options, &mut |_| ControlFlow::Continue(())).await?;
        session.start(&request)?;
        while session.prefill().await? {}
        while session.next().await?.is_some() {}
        Ok(())
    })
}

#[test]
fn spoilt_headers_end_in_text_or_an_error() {
    const SEED: u64 = 0x6d6f_6465;
    let mut rng = Rng(SEED);
    // SentencePiece and byte-level vocabularies; interleaved and half-split rotation; factor tensors; biases.
    for name in ["linear", "longrope", "qwen2", "qwen3", "yarn"] {
        let whole = std::fs::read(root().join(format!("tests/goldens/{name}.gguf"))).unwrap();
        answer(whole.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        // The header ends well before the embedding's values, which are the bulk of the file.
        let header = whole.len() / 8;
        let (rounds, mut fine) = (count(150, 20_000), 0);
        for round in 0..rounds {
            let mut bytes = whole.clone();
            let at = rng.below(header - 8);
            match rng.below(3) {
                0 => bytes[at] ^= 1 << rng.below(8),
                1 => bytes[at] = rng.next_u64() as u8,
                _ => bytes[at..at + 4].copy_from_slice(&(rng.next_u64() as u32 >> rng.below(32)).to_le_bytes()),
            }
            match catch_unwind(AssertUnwindSafe(|| answer(bytes))) {
                Ok(Ok(())) => fine += 1,
                Ok(Err(e)) => assert_ne!(e.code(), "internal", "{name}, seed {SEED}, round {round}, at {at}: {e}"),
                Err(_) => panic!("{name}, seed {SEED}, round {round}, at {at}: panicked"),
            }
        }
        println!("{name}: {rounds} spoilt headers, seed {SEED}: {fine} still answer");
    }
}
