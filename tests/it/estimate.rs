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
        assert_eq!(estimate.memory, session.engine().plan().memory);
        assert_eq!(estimate.share(ANYWHERE), estimate.memory.total());
        assert_eq!((&*estimate.model, estimate.context), ("qwen2", session.info().context));
    }
}

#[test]
fn what_does_not_fit_is_said_with_the_numbers() {
    let estimate = of(golden_bytes("qwen2"), &cpu()).unwrap();
    let needed = estimate.share(ANYWHERE);
    let of_bytes = |total| Place {
        total: Some(total),
        ..ANYWHERE
    };
    assert_eq!(estimate.fits(ANYWHERE), Ok(()));
    assert_eq!(estimate.fits(of_bytes(needed)), Ok(()));
    match estimate.fits(of_bytes(needed - 1)) {
        Err(Error::TooLarge {
            needed: n, available, ..
        }) => assert_eq!((n, available), (needed, needed - 1)),
        other => panic!("{other:?}"),
    }
    let narrow = Place {
        max_buffer: 16,
        ..ANYWHERE
    };
    assert!(matches!(estimate.fits(narrow), Err(Error::TooLarge { .. })));
    let shared = Place { shards: 2, ..ANYWHERE };
    assert!(estimate.share(shared) < needed, "two shards hold less each");
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
        read.get() + estimate.memory.weights / 2 < length,
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
