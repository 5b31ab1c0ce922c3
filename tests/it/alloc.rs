//! Counts what the current thread allocates, so that a test can bound the peak of one call.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static CURRENT: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // `try_with`: a thread that ends frees after its thread-locals are gone.
    let _ = CURRENT.try_with(|current| {
        current.set(current.get() + bytes);
        PEAK.with(|peak| peak.set(peak.get().max(current.get())));
    });
}

// SAFETY: every call is handed to `System` unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// Runs `f`; its result and the most bytes that this thread had allocated on top of what it had before.
pub fn peak_of<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = CURRENT.with(Cell::get);
    PEAK.with(|peak| peak.set(before));
    let result = f();
    (result, (PEAK.with(Cell::get) - before) as usize)
}

#[test]
fn the_counter_counts() {
    let (_, peak) = peak_of(|| {
        drop(std::hint::black_box(vec![0u8; 1000]));
        drop(std::hint::black_box(vec![0u8; 500]));
    });
    assert!((1000..1100).contains(&peak), "{peak}");
    let (_, peak) = peak_of(|| {
        let mut v = std::hint::black_box(vec![1u8; 1000]);
        v.reserve_exact(9000);
        v
    });
    assert!((10_000..12_000).contains(&peak), "{peak}");
}
