//! One answer under a grammar: which tokens may come next, and what was chosen.

use std::rc::Rc;

use llguidance::Matcher as Inner;
use llguidance::api::StopReason;

use crate::error::{GrammarError, Result};
use crate::free::Free;
use crate::spec::Spec;
use crate::vocab::Vocabulary;

/// Longest message of the parser that is passed on.
const MAX_MESSAGE: usize = 400;

/// A grammar at work. [`Matcher::mask`] and [`Matcher::commit`] take turns, once for each token.
pub struct Matcher {
    vocabulary: Rc<Vocabulary>,
    path: String,
    /// Text that is still free, if there is a trigger.
    free: Option<Free>,
    inner: Inner,
    /// Both as they were at the beginning.
    fresh: (Option<Free>, Inner),
    mask: Vec<u32>,
}

impl Matcher {
    /// Compiles a grammar over a vocabulary.
    ///
    /// # Errors
    /// [`GrammarError::Invalid`] for one that makes no sense, [`GrammarError::Unsupported`] for one that cannot be enforced
    /// exactly, or only at too high a price.
    pub fn new(vocabulary: &Rc<Vocabulary>, spec: &Spec) -> Result<Self> {
        let compiled = spec.compiled()?;
        let parser = vocabulary.factory.create_parser(compiled);
        let mut inner = Inner::new(parser);
        if let Some(message) = inner.get_error() {
            return Err(refusal(&spec.path, &message));
        }
        // What `llguidance` only warns of is a constraint that it has weakened.
        if let Some(warning) = inner.grammar_warnings().into_iter().next() {
            return Err(GrammarError::unsupported(&spec.path, short(&warning)));
        }
        let free = spec.trigger.as_ref().map(|trigger| Free::new(vocabulary, trigger));
        let mut matcher = Matcher {
            fresh: (free.clone(), inner.clone()),
            free,
            vocabulary: Rc::clone(vocabulary),
            path: spec.path.clone(),
            inner,
            mask: Vec::new(),
        };
        // The costs of a grammar show when it is first used: a refusal must come before anything is computed.
        let nothing = matcher.inner_mask()?.iter().all(|&word| word == 0);
        if nothing && !matcher.is_complete()? {
            return Err(GrammarError::invalid(&spec.path, "nothing satisfies it"));
        }
        Ok(matcher)
    }

    /// One bit for each token, bit `id % 32` of word `id / 32`; `None`: every token may come. Tokens that end the answer
    /// are among them where the text is complete.
    ///
    /// # Errors
    /// [`GrammarError::Unsupported`] when this step costs too much.
    pub fn mask(&mut self) -> Result<Option<&[u32]>> {
        match &mut self.free {
            None => self.inner_mask().map(Some),
            Some(free) => {
                let first = free.wants_grammar();
                let allowed = match first {
                    true => Some(inner_mask(&mut self.inner, &self.path)?),
                    false => None,
                };
                Ok(self.free.as_mut().and_then(|free| free.mask(allowed.as_deref())))
            }
        }
    }

    /// Goes on by a token that the last mask allowed.
    ///
    /// # Errors
    /// [`GrammarError::Misused`] for any other.
    pub fn commit(&mut self, token: u32) -> Result<()> {
        if let Some(free) = &mut self.free {
            match free.commit(&self.vocabulary, token) {
                Begins::No => return Ok(()),
                Begins::After => {
                    self.free = None;
                    return Ok(());
                }
                Begins::With => self.free = None,
            }
        }
        self.inner.consume_token(token).map_err(|e| GrammarError::Misused {
            message: format!(
                "the grammar at {} does not allow token {token}: {}",
                self.path,
                short(&e.to_string())
            ),
        })
    }

    /// Goes back to the beginning, for another answer.
    pub fn reset(&mut self) {
        (self.free, self.inner) = (self.fresh.0.clone(), self.fresh.1.clone());
    }

    /// Nothing can follow: the answer is complete.
    pub fn is_finished(&self) -> bool {
        self.free.is_none() && self.inner.is_stopped()
    }

    /// The text so far satisfies the grammar; free text does.
    ///
    /// # Errors
    /// As [`Matcher::mask`].
    pub fn accepts(&mut self) -> Result<bool> {
        Ok(self.free.is_some() || self.is_complete()?)
    }

    fn is_complete(&mut self) -> Result<bool> {
        let stopped = matches!(
            self.inner.stop_reason(),
            StopReason::NoExtension | StopReason::NoExtensionBias | StopReason::EndOfSentence
        );
        match stopped {
            true => Ok(true),
            false => self
                .inner
                .is_accepting()
                .map_err(|e| refusal(&self.path, &e.to_string())),
        }
    }

    fn inner_mask(&mut self) -> Result<&[u32]> {
        self.mask = match self.inner.is_stopped() && !self.inner.is_error() {
            true if !self.is_complete()? => {
                return Err(GrammarError::unsupported(&self.path, "it ends before its text"));
            }
            true => vec![0; self.vocabulary.len().div_ceil(32)],
            false => inner_mask(&mut self.inner, &self.path)?,
        };
        Ok(&self.mask)
    }
}

/// What `llguidance` says where the text is not complete, and no token continues it.
const DEAD_END: &str = "NoExtensionBias";

fn inner_mask(inner: &mut Inner, path: &str) -> Result<Vec<u32>> {
    inner.compute_mask().map_or_else(
        |e| match e.to_string() {
            message if message.starts_with(DEAD_END) => Err(GrammarError::unsupported(
                path,
                "no token of this model continues the text that it has begun",
            )),
            message => Err(refusal(path, &message)),
        },
        |mask| Ok(mask.as_slice().to_vec()),
    )
}

/// How a committed token changes free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    /// It is free still.
    No,
    /// The grammar holds from the next token on.
    After,
    /// The grammar holds from this token on, with it.
    With,
}

/// The parser's message as an error: what it calls unsatisfiable makes no sense, all else it cannot do.
fn refusal(path: &str, message: &str) -> GrammarError {
    let text = short(message);
    let lower = message.to_lowercase();
    if lower.contains("unsatisfiable") {
        return GrammarError::invalid(path, format!("nothing satisfies it ({text})"));
    }
    let syntax = ["expected", "parse error", "unknown name", "not found", "duplicate"];
    if syntax.iter().any(|word| lower.contains(word)) && !lower.contains("not supported") {
        return GrammarError::invalid(path, text);
    }
    GrammarError::unsupported(path, text)
}

/// The first line, bounded.
fn short(message: &str) -> String {
    let line = message
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty())
        .unwrap_or("no reason given");
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_string(),
    }
}
