//! Free text in front of a grammar: everything is allowed, but for tokens that would run past the beginning of what is
//! not free.

use std::rc::Rc;

use crate::matcher::Begins;
use crate::spec::Trigger;
use crate::vocab::Vocabulary;

/// Free text up to a trigger.
#[derive(Clone)]
pub(crate) struct Free {
    kind: Kind,
    vocabulary: Rc<Vocabulary>,
    mask: Vec<u32>,
}

#[derive(Clone)]
enum Kind {
    /// The end of the text so far (at most as long as the marker), and the marker. `inside`: tokens that hold the whole
    /// marker and more.
    Text {
        marker: Vec<u8>,
        tail: Vec<u8>,
        inside: Vec<u32>,
    },
    Token(u32),
    First {
        first: u8,
        /// Nothing but white space has come, so it is not yet decided.
        open: bool,
        /// Tokens that begin with white space and have the character behind it.
        blurred: Vec<u32>,
    },
}

impl Free {
    pub(crate) fn new(vocabulary: &Rc<Vocabulary>, trigger: &Trigger) -> Self {
        let tokens = (0u32..)
            .zip(&vocabulary.tokens)
            .filter(|(id, _)| !vocabulary.markup[*id as usize]);
        let kind = match trigger {
            Trigger::Token(id) => Kind::Token(*id),
            Trigger::Text(marker) => {
                let marker = marker.as_bytes().to_vec();
                let holds = |bytes: &[u8]| {
                    let at = bytes.windows(marker.len().max(1)).position(|w| w == marker);
                    at.is_some_and(|at| at + marker.len() < bytes.len())
                };
                let inside = tokens.filter(|(_, bytes)| holds(bytes)).map(|(id, _)| id).collect();
                Kind::Text {
                    marker,
                    tail: Vec::new(),
                    inside,
                }
            }
            Trigger::First(first) => {
                let first = *first as u8;
                let blurs = |bytes: &[u8]| {
                    let lead = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
                    lead > 0 && bytes.get(lead) == Some(&first)
                };
                let blurred = tokens.filter(|(_, bytes)| blurs(bytes)).map(|(id, _)| id).collect();
                Kind::First {
                    first,
                    open: true,
                    blurred,
                }
            }
        };
        Free {
            kind,
            vocabulary: Rc::clone(vocabulary),
            mask: Vec::new(),
        }
    }

    /// Whether [`Free::mask`] needs what the grammar allows at its beginning.
    pub(crate) fn wants_grammar(&self) -> bool {
        matches!(self.kind, Kind::First { open: true, .. })
    }

    /// Everything but what would run past the beginning of the grammar; `None`: everything.
    pub(crate) fn mask(&mut self, grammar: Option<&[u32]>) -> Option<&[u32]> {
        let n = self.vocabulary.len();
        let mut banned: Vec<u32> = Vec::new();
        match &self.kind {
            Kind::Token(_) | Kind::First { open: false, .. } => return None,
            Kind::First { first, blurred, .. } => {
                banned.extend(blurred);
                let allowed = |id: u32| grammar.is_some_and(|mask| has(mask, id));
                banned.extend(
                    self.texts()
                        .filter(|(id, bytes)| bytes.first() == Some(first) && !allowed(*id))
                        .map(|(id, _)| id),
                );
            }
            Kind::Text { marker, tail, inside } => {
                banned.extend(inside);
                for begun in 1..marker.len() {
                    if tail.ends_with(&marker[..begun]) {
                        let rest = &marker[begun..];
                        let beyond = self
                            .texts()
                            .filter(|(_, b)| b.len() > rest.len() && b.starts_with(rest));
                        banned.extend(beyond.map(|(id, _)| id));
                    }
                }
            }
        }
        if banned.is_empty() {
            return None;
        }
        self.mask.clear();
        self.mask.resize(n.div_ceil(32), u32::MAX);
        if !n.is_multiple_of(32)
            && let Some(last) = self.mask.last_mut()
        {
            *last = (1 << (n % 32)) - 1;
        }
        for id in banned {
            self.mask[id as usize / 32] &= !(1 << (id % 32));
        }
        Some(&self.mask)
    }

    pub(crate) fn commit(&mut self, vocabulary: &Vocabulary, token: u32) -> Begins {
        let text = match vocabulary.markup.get(token as usize) {
            Some(false) => vocabulary.tokens[token as usize].as_slice(),
            _ => &[],
        };
        match &mut self.kind {
            Kind::Token(id) if *id == token => Begins::After,
            Kind::Token(_) => Begins::No,
            Kind::Text { marker, tail, .. } => {
                tail.extend(text);
                if !text.is_empty() && tail.ends_with(marker) {
                    return Begins::After;
                }
                let surplus = tail.len().saturating_sub(marker.len());
                tail.drain(..surplus);
                Begins::No
            }
            Kind::First { first, open, .. } => {
                if !*open || text.iter().all(u8::is_ascii_whitespace) {
                    return Begins::No;
                }
                *open = false;
                match text.first() == Some(first) {
                    true => Begins::With,
                    false => Begins::No,
                }
            }
        }
    }

    fn texts(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let all = (0u32..).zip(&self.vocabulary.tokens).zip(&self.vocabulary.markup);
        all.filter(|(_, markup)| !**markup)
            .map(|((id, bytes), _)| (id, bytes.as_slice()))
    }
}

fn has(mask: &[u32], id: u32) -> bool {
    mask.get(id as usize / 32)
        .is_some_and(|word| word >> (id % 32) & 1 == 1)
}
