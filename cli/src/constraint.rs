//! Grammars in the native tool: the module for grammars as the engine wants it.

use std::rc::Rc;

use kinglet::session::{Constraint, Request, Session};
use kinglet::{Error, Result};
use kinglet_grammar::{GrammarError, Matcher, Spec, Vocabulary};

/// The constraint of a request's answers, if it asks for a grammar.
pub fn of(session: &Session, request: &Request) -> Result<Option<Box<dyn Constraint>>> {
    let Some(spec) = session.grammar(request)? else {
        return Ok(None);
    };
    let spec: Spec = serde_json::from_value(spec).map_err(Error::internal)?;
    let tokenizer = session.tokenizer();
    let vocabulary = Vocabulary::from_packed(tokenizer.n_vocab(), &tokenizer.packed(), tokenizer.eog().to_vec());
    let matcher = Matcher::new(&Rc::new(vocabulary.map_err(error)?), &spec).map_err(error)?;
    Ok(Some(Box::new(Native(matcher))))
}

struct Native(Matcher);

impl Constraint for Native {
    fn mask(&mut self) -> Result<Option<&[u32]>> {
        self.0.mask().map_err(error)
    }

    fn commit(&mut self, token: u32) -> Result<bool> {
        self.0.commit(token).map_err(error)?;
        Ok(self.0.is_finished())
    }

    fn reset(&mut self) -> Result<()> {
        self.0.reset();
        Ok(())
    }
}

fn error(error: GrammarError) -> Error {
    let (param, message) = (error.path().to_owned(), error.reason().to_owned());
    match error {
        GrammarError::Invalid { .. } => Error::InvalidGrammar { param, message },
        GrammarError::Unsupported { .. } => Error::UnsupportedGrammar { param, message },
        GrammarError::Misused { .. } => Error::internal(message),
    }
}
