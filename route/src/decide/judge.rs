//! Risk after generation: a calibrated score against its threshold; without one, a rank or the conservative bounds.

use crate::decide::economics;
use crate::policy::Conservative;
use crate::reason::Reason;
use crate::signals::{Origin, Signals};
use crate::state::Alarm;
use crate::trace::{Answer, Ask, Calibration, Contribution, Inputs, Note, Score, ScoreKind};
use crate::{Result, RouteError};

/// What is left of a threshold after a drift monitor asked for less to be kept.
pub const TIGHTENED: f64 = 0.5;

/// Without a calibration a score says nothing of what the remote model would gain: it may be all.
const UNKNOWN_GAIN: f64 = 1.0;

/// What a calibrated value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// P(the answer is wrong).
    Error,
    /// P(remote right, local wrong) - P(local right, remote wrong).
    Gain,
}

/// A calibration, as a decision needs it.
pub trait Risk {
    /// Its digest.
    fn id(&self) -> String;
    /// What its value means.
    fn meaning(&self) -> Meaning;
    /// The value of these signals; none where one is missing.
    fn value(&self, signals: &Signals) -> Option<f64>;
    /// Each feature's value and part in it.
    fn parts(&self, signals: &Signals) -> Vec<Contribution>;
    /// What the value may be, and whether that is the group's own bound; none where economics decide.
    fn bound(&self, group: Option<&str>) -> Option<(f64, BoundOf)>;
}

/// Whose bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundOf {
    /// The group's own.
    Group,
    /// That of all groups.
    All,
}

/// What was judged.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What the score asks for.
    pub ask: Option<Ask>,
    /// The score.
    pub score: Option<Score>,
    /// The calibrated probability of being wrong.
    pub p_error: Option<f64>,
    /// The calibrated gain.
    pub gain: Option<f64>,
    /// Parts of it.
    pub contributions: Vec<Contribution>,
    /// What else should be known.
    pub notes: Vec<Note>,
}

/// The profile that the inputs name, if it is the one that is given.
pub fn named<'a>(inputs: &Inputs, profile: Option<&'a dyn Risk>) -> Result<Option<&'a dyn Risk>> {
    let Calibration::Fits { profile: id } = &inputs.calibration else {
        return Ok(None); // one that was refused is never looked at
    };
    if inputs.answer.is_none() {
        return Ok(None);
    }
    match profile {
        Some(profile) if profile.id() == *id => Ok(Some(profile)),
        Some(profile) => Err(RouteError::invalid(
            "profile",
            format!("the one with the digest {id}"),
            profile.id(),
        )),
        None => Err(RouteError::invalid(
            "profile",
            format!("the one with the digest {id}"),
            "none",
        )),
    }
}

/// Judges an answer.
pub fn judge(inputs: &Inputs, answer: &Answer, profile: Option<&dyn Risk>) -> Judgement {
    let signals = with_facts(inputs, answer);
    let mut judged = Judgement::default();
    if matches!(inputs.calibration, Calibration::Refused { .. }) {
        judged.notes.push(Note::ProfileMismatch);
    }
    if signals.origin == Origin::None {
        judged.notes.push(Note::NoProbabilities);
    }
    if let Some(profile) = profile {
        if inputs.session.alarm == Alarm::Suspend {
            judged.notes.push(Note::Suspended);
        } else if calibrated(inputs, &signals, profile, &mut judged) {
            return judged;
        }
    }
    judged.notes.push(Note::Uncalibrated);
    conservative(inputs.policy.escalation.conservative, &signals, &mut judged);
    judged
}

/// The answer's signals, with what only the facts know.
fn with_facts(inputs: &Inputs, answer: &Answer) -> Signals {
    let (mut signals, facts) = (answer.signals.clone(), &inputs.facts);
    signals.complexity = signals.complexity.or(facts.complexity);
    signals.prompt_tokens = signals.prompt_tokens.or(facts.prompt_tokens);
    signals.retrieval_top = signals.retrieval_top.or(facts.retrieval_top);
    signals.retrieval_margin = signals.retrieval_margin.or(facts.retrieval_margin);
    signals
}

/// Whether the calibration has something to say.
fn calibrated(inputs: &Inputs, signals: &Signals, profile: &dyn Risk, judged: &mut Judgement) -> bool {
    let Some(value) = profile.value(signals).filter(|value| value.is_finite()) else {
        judged.notes.push(Note::SignalsMissing);
        return false;
    };
    let stated = profile.bound(inputs.facts.group.as_deref());
    let stated = stated.or_else(|| economics::gain_needed(inputs).map(|gain| (gain, BoundOf::Group)));
    let Some((bound, of)) = stated.filter(|(bound, _)| bound.is_finite()) else {
        return false;
    };
    if of == BoundOf::All && inputs.facts.group.is_some() {
        judged.notes.push(Note::PooledThreshold);
    }
    let mut threshold = bound;
    if inputs.session.alarm == Alarm::Tighten {
        judged.notes.push(Note::Tightened);
        threshold = bound.min(bound * TIGHTENED); // a bound below zero is strict already
    }
    let name = match profile.meaning() {
        Meaning::Error => {
            judged.p_error = Some(value);
            "p_error"
        }
        Meaning::Gain => {
            judged.gain = Some(value);
            "gain"
        }
    };
    judged.contributions = profile.parts(signals);
    judged.contributions.retain(|part| part.contribution.is_finite());
    judged.hear(ScoreKind::Calibrated, name, value, threshold, value > threshold, value);
    true
}

/// How a signal is read.
type Reading = fn(&Signals) -> Option<f64>;

/// Raw signals that doubt below a bound, the most telling first. The bounds are choices of ours, calibrated on nothing: of
/// a label or a value, less than an even chance; of running text, sixteen tokens whose mean is under e^-2, about 0.14.
pub const BOUNDS: &[(&str, Reading, f64)] = &[
    ("head_max", |s| s.head_max, 0.5),
    ("label_max", |s| s.label_max, 0.5),
    ("anchor_logprob", |s| s.anchor_logprob, -std::f64::consts::LN_2),
    ("window_logprob", |s| s.window_logprob, -2.0),
];

/// What decides where no calibration does.
fn conservative(rule: Conservative, signals: &Signals, judged: &mut Judgement) {
    match rule {
        Conservative::ChecksOnly => {}
        Conservative::Escalate => {
            judged.ask = Some(Ask {
                reason: Reason::LowConfidence,
                value: None,
                bound: None,
                gain: UNKNOWN_GAIN,
            });
        }
        Conservative::Bounds => {
            let measured = BOUNDS
                .iter()
                .filter_map(|(name, of, bound)| Some((*name, of(signals)?, *bound)));
            let measured: Vec<_> = measured.collect();
            let doubting = measured.iter().find(|(_, value, bound)| value < bound);
            if let Some((name, value, bound)) = doubting.or(measured.first()) {
                judged.hear(
                    ScoreKind::Conservative,
                    name,
                    *value,
                    *bound,
                    value < bound,
                    UNKNOWN_GAIN,
                );
            }
        }
    }
}

impl Judgement {
    /// Notes a score, and what it asks for.
    fn hear(&mut self, kind: ScoreKind, name: &str, value: f64, threshold: f64, doubts: bool, gain: f64) {
        self.score = Some(Score {
            kind,
            name: name.to_string(),
            value,
            threshold,
        });
        self.ask = doubts.then_some(Ask {
            reason: Reason::LowConfidence,
            value: Some(value),
            bound: Some(threshold),
            gain,
        });
    }
}
