//! What a model would take, said from its header alone.

use std::cell::Cell;
use std::rc::Rc;

use kinglet::platform::{ByteSource, LocalFuture, MemorySource};
use kinglet::session::{Estimate, Place, SessionOptions};
use kinglet::{Error, Result};
use pollster::block_on;

use crate::loaded::{cpu, golden_bytes, load};
use crate::support::root;

/// A file that says how far it was read.
struct Watched {
    file: MemorySource<'static>,
    read: Rc<Cell<u64>>,
}

impl ByteSource for Watched {
    fn name(&self) -> String {
        "watched".into()
    }

    fn len(&self) -> Option<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, len: usize) -> LocalFuture<'_, Result<Vec<u8>>> {
        self.read.set(self.read.get().max(offset + len as u64));
        self.file.read(offset, len)
    }
}

fn of(file: Vec<u8>, options: &SessionOptions) -> Result<Estimate> {
    let sources: Vec<Rc<dyn ByteSource>> = vec![Rc::new(MemorySource::new(file))];
    block_on(Estimate::new(sources, options))
}

const ANYWHERE: Place = Place {
    max_buffer: u64::MAX,
    total: None,
    shards: 1,
};

#[test]
fn it_is_what_loading_takes() {
    let small = SessionOptions {
        n_ctx: Some(64),
        ..cpu()
    };
    for options in [cpu(), small] {
        let estimate = of(golden_bytes("qwen2"), &options).unwrap();
        let session = load(golden_bytes("qwen2"), &options);
        assert_eq!(estimate.size.memory, session.engine().plan().memory);
        assert_eq!(estimate.size.share(ANYWHERE), estimate.size.memory.total());
        assert_eq!(
            (&*estimate.model, estimate.size.context),
            ("qwen2", session.info().context)
        );
    }
}

#[test]
fn what_does_not_fit_is_said_with_the_numbers() {
    let estimate = of(golden_bytes("qwen2"), &cpu()).unwrap();
    let needed = estimate.size.share(ANYWHERE);
    let of_bytes = |total| Place {
        total: Some(total),
        ..ANYWHERE
    };
    assert_eq!(estimate.size.fits(ANYWHERE), Ok(()));
    assert_eq!(estimate.size.fits(of_bytes(needed)), Ok(()));
    match estimate.size.fits(of_bytes(needed - 1)) {
        Err(Error::TooLarge {
            needed: n, available, ..
        }) => assert_eq!((n, available), (needed, needed - 1)),
        other => panic!("{other:?}"),
    }
    let narrow = Place {
        max_buffer: 16,
        ..ANYWHERE
    };
    assert!(matches!(estimate.size.fits(narrow), Err(Error::TooLarge { .. })));
    let shared = Place { shards: 2, ..ANYWHERE };
    assert!(estimate.size.share(shared) < needed, "two shards hold less each");
}

#[test]
fn smaller_sizes_are_those_that_loading_tries() {
    let mut file = golden_bytes("qwen2");
    let key = b"qwen2.context_length";
    let at = file.windows(key.len()).position(|w| w == key).expect("the key") + key.len() + 4;
    file[at..at + 4].copy_from_slice(&2048u32.to_le_bytes());
    let sizes = |n_ctx: Option<usize>| {
        let estimate = of(file.clone(), &SessionOptions { n_ctx, ..cpu() }).unwrap();
        let all = [&estimate.size].into_iter().chain(&estimate.smaller);
        all.map(|size| (size.context, size.share(ANYWHERE))).collect::<Vec<_>>()
    };
    let all = sizes(None);
    let contexts: Vec<_> = all.iter().map(|size| size.0).collect();
    assert_eq!(contexts[..4], [2048, 1024, 512, 512], "{all:?}");
    assert!(
        all.windows(2).all(|pair| pair[1].1 < pair[0].1),
        "each takes less than the one before: {all:?}"
    );
    // A context that was asked for stays.
    let asked = sizes(Some(1024));
    assert!(asked.len() > 1 && asked.iter().all(|size| size.0 == 1024), "{asked:?}");
}

#[test]
fn no_weight_is_read() {
    let file = std::fs::read(root().join("models/desk/desk.gguf")).expect("readable");
    let length = file.len() as u64;
    let read = Rc::new(Cell::new(0));
    let watched = Watched {
        file: MemorySource::new(file),
        read: Rc::clone(&read),
    };
    let estimate = block_on(Estimate::new(vec![Rc::new(watched)], &cpu())).unwrap();
    // The header is read in pieces that may end behind it.
    assert!(
        read.get() + estimate.size.memory.weights / 2 < length,
        "{} of {length} bytes",
        read.get()
    );
}

#[test]
fn what_cannot_be_loaded_is_refused_alike() {
    let mut strange = golden_bytes("qwen2");
    let at = strange
        .windows(5)
        .position(|w| w == b"qwen2")
        .expect("the architecture");
    strange[at + 4] = b'9';
    assert_eq!(of(strange, &cpu()).unwrap_err().code(), "unsupported_architecture");
    assert_eq!(of(b"no model at all".to_vec(), &cpu()).unwrap_err().code(), "bad_file");
}
