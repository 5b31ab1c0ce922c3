//! Bounds on a template's work, so that a hostile one ends with an error instead of a hung or dead tab.
//!
//! Time is bounded by counting the engine's steps, memory by counting the bytes (and list items) that pass through
//! variables, operators, filters and output. A rendering of 2,000 messages stays far below both.

use minijinja::{Environment, Error, ErrorKind, State};

use crate::error;

/// Engine steps of one rendering.
pub(super) const STEPS: u64 = 10_000_000;
/// Bytes that one rendering may move.
const BYTES: usize = 256 << 20;
/// Longest text made of one value; what is longer is cut, and counting it is an error.
pub(super) const TEXT_BYTES: usize = 32 << 20;
/// Bytes of template source; the largest known chat template has 30 KB.
const SOURCE_BYTES: usize = 1 << 20;
/// Nested frames; a macro call counts as several. Native stacks of a browser are 1 MiB.
const RECURSION: usize = 120;
/// What one item of a list or dict counts for.
pub(super) const ITEM_BYTES: usize = 32;

/// Bytes moved so far.
struct Moved(usize);

/// Refuses a source that is too long.
pub(super) fn check_source(source: &str) -> error::Result<()> {
    if source.len() > SOURCE_BYTES {
        let message = format!(
            "its source has {} bytes, at most {SOURCE_BYTES} are accepted",
            source.len()
        );
        return Err(error::Error::Template { message });
    }
    Ok(())
}

/// Sets the engine's own bounds.
pub(super) fn install(env: &mut Environment<'_>) {
    env.set_fuel(Some(STEPS));
    env.set_recursion_limit(RECURSION);
}

/// Counts `bytes` of work.
pub(super) fn charge(state: &mut State, bytes: usize) -> Result<(), Error> {
    let moved = state.get_or_insert_extension(Moved(0));
    moved.0 = moved.0.saturating_add(bytes);
    if moved.0 > BYTES || bytes > TEXT_BYTES {
        let what = format!("the template moved more than {BYTES} bytes, or {TEXT_BYTES} in one piece");
        return Err(Error::new(ErrorKind::InvalidOperation, what));
    }
    Ok(())
}
