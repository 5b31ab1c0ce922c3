//! Description of one dispatch.

use super::buffer::{Buffer, Tensor};
use crate::kernels::wgsl::Variant;

/// A buffer as a dispatch sees it, in binding order (the first one is `@binding(2)`).
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    pub(super) buffer: &'a Buffer,
    pub(super) access: Access,
}

/// WebGPU forbids both kinds on one buffer in one dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Access {
    Read,
    Write,
}

impl<'a> Binding<'a> {
    /// `var<storage, read>`.
    pub fn read(buffer: &'a Buffer) -> Self {
        let access = Access::Read;
        Self { buffer, access }
    }

    /// `var<storage, read_write>`.
    pub fn write(buffer: &'a Buffer) -> Self {
        let access = Access::Write;
        Self { buffer, access }
    }

    /// [`Binding::read`] of an activation.
    pub fn input(t: &'a Tensor) -> Self {
        Self::read(t.buffer())
    }

    /// [`Binding::write`] of an activation.
    pub fn output(t: &'a mut Tensor) -> Self {
        Self::write(t.buffer())
    }
}

/// Workgroups of a dispatch: x over the work of a row (continued along z beyond the limit), y over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid(pub(super) [u32; 3]);

impl Grid {
    /// WebGPU's limit per dimension; beyond it a dispatch is dropped.
    pub const MAX: usize = 65_535;

    /// `groups` workgroups for each of `rows` rows. With more than [`Grid::MAX`] groups the shader uses
    /// `group_index` (lib/grid.wgsl) and must ignore indices `>= groups`.
    pub fn new(groups: usize, rows: usize) -> Self {
        let deep = groups.div_ceil(Self::MAX).max(1);
        let wide = groups.div_ceil(deep);
        Self([wide, rows, deep].map(crate::kernels::dim))
    }

    /// Enough workgroups of `size` threads for `threads` threads per row.
    pub fn threads(threads: usize, size: usize, rows: usize) -> Self {
        Self::new(threads.div_ceil(size), rows)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.contains(&0)
    }
}

/// One dispatch.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Shader text and entry point.
    pub variant: Variant,
    /// The uniform at `@binding(1)`.
    pub params: &'a [u8],
    /// The buffers from `@binding(2)` on.
    pub bindings: &'a [Binding<'a>],
    /// Rows in use: `step.rows`.
    pub rows: usize,
    /// `step.first`.
    pub first: usize,
    /// What else changes from step to step, behind `struct Step`.
    pub more: [u32; 8],
    /// Workgroups.
    pub grid: Grid,
}

#[cfg(test)]
mod tests {
    use super::Grid;

    #[test]
    fn wide_grids_continue_along_z() {
        assert_eq!(Grid::new(65_535, 3).0, [65_535, 3, 1]);
        for groups in [65_536, 131_070, 131_071, 262_144, 1_000_003] {
            let [x, y, z] = Grid::new(groups, 1).0;
            assert!(x as usize <= Grid::MAX && y == 1);
            let covered = x as usize * z as usize;
            assert!(covered >= groups && covered < groups + x as usize);
        }
    }
}
