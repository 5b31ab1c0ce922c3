//! Stands for the faults on order (drill.rs) wherever none can be ordered: in every build but those of tests.

use crate::kernels::wgsl::Variant;

/// No fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drill;

impl Drill {
    pub(super) fn next_loss(&self) -> Option<u64> {
        None
    }

    pub(super) fn fails(&self) -> bool {
        false
    }

    pub(super) fn hardware(&self) -> bool {
        false
    }

    pub(super) fn present(&self) -> bool {
        true
    }

    pub(super) fn next_memory(&self) -> Option<u64> {
        None
    }

    pub(super) fn compiled(&self, _: &Variant, text: String) -> String {
        text
    }
}
