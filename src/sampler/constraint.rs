//! What an answer may be, token by token.

use crate::error::Result;

/// A grammar at work on one answer. [`Constraint::mask`] and [`Constraint::commit`] take turns.
pub trait Constraint {
    /// One bit for each token, bit `id % 32` of word `id / 32`, set where the token may come next; tokens beyond its end
    /// may not. `None`: every token may. Tokens that end the answer are allowed where it may end.
    ///
    /// # Errors
    /// [`Error::UnsupportedGrammar`](crate::Error::UnsupportedGrammar) when this step would cost too much.
    fn mask(&mut self) -> Result<Option<&[u32]>>;

    /// Goes on by a token that the mask allowed (never one that ends the answer); true: nothing can follow.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) for a token that was not allowed.
    fn commit(&mut self, token: u32) -> Result<bool>;

    /// Goes back to the beginning, for another answer.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) where that cannot be.
    fn reset(&mut self) -> Result<()>;
}

/// Whether a mask allows a token.
pub(super) fn allows(mask: Option<&[u32]>, id: u32) -> bool {
    mask.is_none_or(|mask| {
        mask.get(id as usize / 32)
            .is_some_and(|word| word >> (id % 32) & 1 == 1)
    })
}
