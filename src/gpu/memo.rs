//! Remembers the dispatches of a step: the next step most likely has the same in the same order, and finds them without
//! hashing anything.

use std::sync::Arc;

use super::launch::Launch;
use super::pipeline::Pipeline;
use crate::kernels::wgsl::Variant;

/// Most dispatches that are remembered of a step.
const MOST: usize = 4096;

/// A dispatch that was recorded before.
pub(super) struct Known {
    variant: Variant,
    params: Vec<u8>,
    buffers: Vec<u64>,
    pub pipeline: Arc<Pipeline>,
    pub group: wgpu::BindGroup,
    /// Bytes of weights among its buffers.
    pub weight_bytes: u64,
}

impl Known {
    pub fn new(launch: &Launch<'_>, pipeline: Arc<Pipeline>, group: wgpu::BindGroup) -> Self {
        let weights = launch.bindings.iter().filter(|b| b.buffer.weight);
        Self {
            variant: launch.variant.clone(),
            params: launch.params.to_vec(),
            buffers: launch.bindings.iter().map(|b| b.buffer.id).collect(),
            pipeline,
            group,
            weight_bytes: weights.map(|b| b.buffer.size()).sum(),
        }
    }

    fn is(&self, launch: &Launch<'_>) -> bool {
        let ids = launch.bindings.iter().map(|b| b.buffer.id);
        self.params == launch.params && self.variant == launch.variant && ids.eq(self.buffers.iter().copied())
    }
}

/// The dispatches of the last step of one token, and of the last one of several.
#[derive(Default)]
pub(super) struct Memo {
    steps: [Vec<Known>; 2],
    which: usize,
    at: usize,
}

impl Memo {
    /// A step of so many tokens begins.
    pub fn begin(&mut self, tokens: usize) {
        (self.which, self.at) = (usize::from(tokens == 1), 0);
    }

    /// The next dispatch is this one, as it was in the step before.
    pub fn expects(&self, launch: &Launch<'_>) -> bool {
        self.steps[self.which]
            .get(self.at)
            .is_some_and(|known| known.is(launch))
    }

    /// It is another one.
    pub fn put(&mut self, known: Known) {
        let step = &mut self.steps[self.which];
        self.at %= MOST;
        match step.get_mut(self.at) {
            Some(other) => *other = known,
            None => step.push(known),
        }
    }

    /// The next dispatch.
    pub fn next(&mut self) -> Option<&Known> {
        self.at += 1;
        self.steps[self.which].get(self.at - 1)
    }

    /// Buffers are gone.
    pub fn forget(&mut self) {
        self.steps = Default::default();
        self.at = 0;
    }
}
