//! Strict reading of a profile: whatever comes in is refused, or is a profile that makes sense.

use super::{BINS, Count, Histogram, Interval, Profile, SCHEMA_VERSION, Target, Threshold, WATCHED};
use crate::document::read;
use crate::error::{Result, RouteError};
use crate::math::decimal;
use crate::score::{Direction, Knot, MAX_FEATURES, MAX_KNOTS, Scale, Scorer, feature};

/// Largest JSON of a profile, in bytes: a full one has 256 knots and 256 groups, about 60,000.
pub const MAX_BYTES: usize = 256 * 1024;

/// Most groups with a threshold of their own.
pub const MAX_GROUPS: usize = 256;

/// Longest name or hash, in bytes.
const MAX_NAME: usize = 256;

/// Longest note, and most of them.
const MAX_NOTE: usize = 1000;
const MAX_NOTES: usize = 100;

/// Largest weight, bias, raw score at a knot: a feature is about ±3, and log-odds of ±1000 are certain.
const MAX_ODDS: f64 = 1e6;

/// Most rows; a larger count is no count of labelled answers.
pub(crate) const MAX_COUNT: u64 = 1_000_000_000;

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// `invalid_request` with the path of the first thing that is wrong: too long, no JSON, an unknown or missing field, a
    /// number that is not finite or out of its range, knots that do not rise, a weight of the wrong sign, …
    pub fn from_json(text: &str) -> Result<Profile> {
        if text.len() > MAX_BYTES {
            return Err(RouteError::invalid(
                "profile",
                format!("at most {MAX_BYTES} bytes"),
                text.len(),
            ));
        }
        let profile: Profile = read("profile", text)?;
        profile.checked()
    }

    /// As indented JSON, fields in a fixed order: fit for a review and for version control.
    ///
    /// # Errors
    /// `invalid_request` where it is not [`Profile::checked`].
    pub fn to_json(&self) -> Result<String> {
        let profile = self.clone().checked()?;
        serde_json::to_string_pretty(&profile).map_err(|e| RouteError::invalid("profile", "what JSON can say", e))
    }

    /// The profile with its numbers rounded to decimals ([`decimal`]), when all of it makes sense.
    ///
    /// # Errors
    /// As [`Profile::from_json`].
    pub fn checked(mut self) -> Result<Profile> {
        let version = self.schema_version;
        require(version == SCHEMA_VERSION, "schema_version", SCHEMA_VERSION, version)?;
        require(is_date(&self.created), "created", "a date, YYYY-MM-DD", &self.created)?;
        name("task", &self.task)?;
        let b = &self.binding;
        for (path, text) in [
            ("binding.model_hash", &b.model_hash),
            ("binding.quantization", &b.quantization),
            ("binding.tokenizer_hash", &b.tokenizer_hash),
            ("binding.template_hash", &b.template_hash),
            ("binding.sampler", &b.sampler),
            ("data_digest", &self.data_digest),
        ] {
            name(path, text)?;
        }
        count(
            "positives",
            Count {
                k: self.positives,
                n: self.n,
            },
        )?;
        scorer(&mut self.scorer)?;
        target(&mut self.target)?;
        let scale = self.scorer.scale;
        threshold("threshold", &mut self.threshold, scale)?;
        let groups = self.groups.len();
        require(groups <= MAX_GROUPS, "groups", format!("at most {MAX_GROUPS}"), groups)?;
        for (group, t) in &mut self.groups {
            name("groups", group)?;
            threshold(&format!("groups.{group}"), t, scale)?;
        }
        let all = &mut self.reference;
        histogram("reference.score", &mut all.score, 1.0)?;
        for (signal, h) in &mut all.signals {
            let path = format!("reference.signals.{signal}");
            let known = WATCHED.contains(&signal.as_str());
            require(known, &path, format!("one of {}", WATCHED.join(", ")), signal)?;
            histogram(&path, h, MAX_ODDS)?;
        }
        if let Some(latency) = all.latency {
            require(
                latency.slow_ms <= MAX_COUNT,
                "reference.latency.slow_ms",
                format!("at most {MAX_COUNT}"),
                latency.slow_ms,
            )?;
            count("reference.latency.slow", latency.slow)?;
        }
        count("reference.asked", self.reference.asked)?;
        count("reference.verifier_failed", self.reference.verifier_failed)?;
        if let Some(h) = &mut self.held_out {
            count("held_out.n", Count { k: 0, n: h.n })?;
            for (path, i) in [
                ("held_out.ece", h.ece.as_mut()),
                ("held_out.auroc", h.auroc.as_mut()),
                ("held_out.aurc", Some(&mut h.aurc)),
            ] {
                i.map_or(Ok(()), |i| interval(path, i))?;
            }
        }
        let notes = self.notes.len();
        require(notes <= MAX_NOTES, "notes", format!("at most {MAX_NOTES}"), notes)?;
        for note in &self.notes {
            require(
                note.len() <= MAX_NOTE,
                "notes",
                format!("at most {MAX_NOTE} bytes each"),
                note.len(),
            )?;
        }
        Ok(self)
    }
}

/// A note that is not too long: a name in it may be.
pub(crate) fn clipped(mut note: String) -> String {
    if note.len() > MAX_NOTE {
        let end = (0..=MAX_NOTE).rev().find(|i| note.is_char_boundary(*i)).unwrap_or(0);
        note.truncate(end);
    }
    note
}

fn require(holds: bool, path: &str, expected: impl ToString, got: impl std::fmt::Display) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(RouteError::invalid(path, expected.to_string(), got))
}

fn is_date(text: &str) -> bool {
    let b = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<u32>().ok());
    let plain = b.iter().enumerate().all(|(i, c)| {
        if i == 4 || i == 7 {
            *c == b'-'
        } else {
            c.is_ascii_digit()
        }
    });
    let (month, day) = (digits(5..7), digits(8..10));
    b.len() == 10 && plain && month.is_some_and(|m| (1..=12).contains(&m)) && day.is_some_and(|d| (1..=31).contains(&d))
}

fn name(path: &str, text: &str) -> Result<()> {
    let fits = !text.is_empty() && text.len() <= MAX_NAME;
    require(
        fits,
        path,
        format!("1 to {MAX_NAME} bytes"),
        format!("{} bytes", text.len()),
    )
}

/// Rounds a number, which must lie in the range.
fn number(path: &str, x: &mut f64, low: f64, high: f64) -> Result<()> {
    // A number that is none is in no range.
    require(
        (low..=high).contains(x),
        path,
        format!("a number from {low} to {high}"),
        *x,
    )?;
    *x = decimal(*x);
    Ok(())
}

fn count(path: &str, c: Count) -> Result<()> {
    let fits = c.k <= c.n && c.n <= MAX_COUNT;
    require(
        fits,
        path,
        format!("at most all, and at most {MAX_COUNT}"),
        format!("{} of {}", c.k, c.n),
    )
}

impl Scorer {
    /// The scorer with its numbers rounded ([`decimal`]), when all of it makes sense: what will be read again is what
    /// values are made with.
    ///
    /// # Errors
    /// As [`Profile::from_json`].
    pub fn checked(mut self) -> Result<Scorer> {
        scorer(&mut self)?;
        Ok(self)
    }
}

fn scorer(s: &mut Scorer) -> Result<()> {
    let features = s.features.len();
    require(
        features <= MAX_FEATURES,
        "scorer.features",
        format!("at most {MAX_FEATURES}"),
        features,
    )?;
    number("scorer.bias", &mut s.bias, -MAX_ODDS, MAX_ODDS)?;
    for i in 0..features {
        let path = format!("scorer.features[{i}]");
        let twice = s.features[..i].iter().any(|f| f.name == s.features[i].name);
        let w = &mut s.features[i];
        require(!twice, &path, "each feature once", &w.name)?;
        let Some(known) = feature(&w.name) else {
            return Err(RouteError::invalid(path, "a feature of this version", &w.name));
        };
        let low = if known.direction == Direction::Doubt {
            0.0
        } else {
            -MAX_ODDS
        };
        number(&format!("{path}.weight"), &mut w.weight, low, MAX_ODDS)?;
        if let Some(missing) = &mut w.missing {
            number(&format!("{path}.missing"), missing, -MAX_ODDS, MAX_ODDS)?;
        }
    }
    let knots = s.isotonic.len();
    let fits = if s.scale == Scale::Doubt {
        knots == 0
    } else {
        (1..=MAX_KNOTS).contains(&knots)
    };
    let expected = format!("1 to {MAX_KNOTS} knots, and none on the scale `doubt`");
    require(fits, "scorer.isotonic", expected, knots)?;
    let (low, high) = s.scale.range();
    for i in 0..knots {
        let path = format!("scorer.isotonic[{i}]");
        let before = i.checked_sub(1).map(|b| s.isotonic[b]);
        let Knot(x, y) = &mut s.isotonic[i];
        number(&path, x, -MAX_ODDS, MAX_ODDS)?;
        number(&path, y, low, high)?;
        let rises = before.is_none_or(|b| b.0 < *x && b.1 <= *y);
        require(rises, &path, "knots that rise", format!("({x}, {y}) after {before:?}"))?;
    }
    Ok(())
}

fn target(t: &mut Target) -> Result<()> {
    match t {
        Target::EscalationRate { rate } => number("target.rate", rate, 0.0, 1.0),
        Target::Risk { alpha, delta } => {
            number("target.alpha", alpha, 0.0, 1.0)?;
            number("target.delta", delta, 0.0, 1.0)
        }
        Target::ValuePerCorrect { .. } => Ok(()),
    }
}

fn threshold(path: &str, t: &mut Threshold, scale: Scale) -> Result<()> {
    let (low, high) = scale.range();
    let below = match t {
        Threshold::EscalationRate { below, rate, n } => {
            number(&format!("{path}.rate"), rate, 0.0, 1.0)?;
            count(path, Count { k: 0, n: *n })?;
            below
        }
        Threshold::Risk {
            below,
            alpha,
            delta,
            n,
            kept,
            errors,
            bound,
        } => {
            number(&format!("{path}.alpha"), alpha, 0.0, 1.0)?;
            number(&format!("{path}.delta"), delta, 0.0, 1.0)?;
            number(&format!("{path}.bound"), bound, 0.0, 1.0)?;
            count(&format!("{path}.kept"), Count { k: *kept, n: *n })?;
            count(&format!("{path}.errors"), Count { k: *errors, n: *kept })?;
            below
        }
        Threshold::ValuePerCorrect {
            below, fixes, holds, ..
        } => {
            number(&format!("{path}.fixes"), fixes, 0.0, 1.0)?;
            number(&format!("{path}.holds"), holds, 0.0, 1.0)?;
            below
        }
    };
    below
        .as_mut()
        .map_or(Ok(()), |b| number(&format!("{path}.below"), b, low, high))
}

/// Edges lie within ±`largest`.
fn histogram(path: &str, h: &mut Histogram, largest: f64) -> Result<()> {
    let bins = h.counts.len();
    require((1..=BINS).contains(&bins), path, format!("1 to {BINS} bins"), bins)?;
    require(
        h.edges.len() + 1 == bins,
        path,
        "one edge fewer than bins",
        h.edges.len(),
    )?;
    for edge in &mut h.edges {
        number(path, edge, -largest, largest)?;
    }
    let rises = h.edges.windows(2).all(|w| w[0] < w[1]);
    require(rises, path, "edges that rise", format!("{:?}", h.edges))?;
    h.counts.iter().try_for_each(|c| count(path, Count { k: *c, n: h.n() }))
}

fn interval(path: &str, i: &mut Interval) -> Result<()> {
    number(path, &mut i.value, 0.0, 1.0)?;
    number(path, &mut i.low, 0.0, 1.0)?;
    number(path, &mut i.high, 0.0, 1.0)
}
