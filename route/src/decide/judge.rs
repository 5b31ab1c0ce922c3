//! Risk after generation: a calibrated score against its threshold; without one, a rank or the conservative bounds.

use crate::calibration::{self, Calibration};
use crate::decide::economics;
use crate::drift::Action;
use crate::policy::Conservative;
use crate::profile::{Profile, Threshold};
use crate::reason::Reason;
use crate::score::Scale;
use crate::signals::{Origin, Signals};
use crate::trace::{Answer, Ask, Contribution, Inputs, Note, Score, ScoreKind};
use crate::{Result, RouteError};

/// Without a calibration a score says nothing of what the remote model would gain: it may be all.
const UNKNOWN_GAIN: f64 = 1.0;

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
pub fn named<'a>(inputs: &Inputs, profile: Option<&'a Profile>) -> Result<Option<&'a Profile>> {
    let Calibration::Fits { profile: id } = &inputs.calibration else {
        return Ok(None); // one that was refused is never looked at
    };
    if inputs.answer.is_none() {
        return Ok(None);
    }
    let given = profile.map_or("none".to_string(), calibration::id);
    match profile {
        Some(profile) if given == *id => Ok(Some(profile)),
        _ => Err(RouteError::invalid(
            "profile",
            format!("the one with the digest {id}"),
            given,
        )),
    }
}

/// Judges an answer.
pub fn judge(inputs: &Inputs, answer: &Answer, profile: Option<&Profile>) -> Judgement {
    let signals = with_facts(inputs, answer);
    let mut judged = Judgement::default();
    if matches!(inputs.calibration, Calibration::Refused { .. }) {
        judged.notes.push(Note::ProfileMismatch);
    }
    if signals.origin == Origin::None {
        judged.notes.push(Note::NoProbabilities);
    }
    if let Some(profile) = profile {
        if inputs.session.alarm == Some(Action::Suspend) {
            judged.notes.push(Note::Suspended);
        } else if calibrated(inputs, &signals, profile, &mut judged) {
            return judged;
        }
    }
    judged.notes.push(Note::Uncalibrated);
    if !ranked(inputs, &signals, &mut judged) {
        conservative(inputs, &signals, &mut judged);
    }
    judged
}

/// What the remote model would gain where the answer is wrong with this probability: all of it, unless the calibration knows
/// how often the remote is right where the local answer is wrong, and where it is right.
fn expected(threshold: &Threshold, p_error: f64) -> f64 {
    match threshold {
        Threshold::ValuePerCorrect { fixes, holds, .. } => p_error * fixes - (1.0 - p_error) * (1.0 - holds),
        _ => p_error,
    }
}

/// Whether the session's own scores, of which a rate is kept, have something to say.
fn ranked(inputs: &Inputs, signals: &Signals, judged: &mut Judgement) -> bool {
    let Some(rate) = &inputs.session.rate else {
        if crate::state::rate(&inputs.policy).is_some() {
            judged.notes.push(Note::WarmingUp);
        }
        return false;
    };
    let Some(value) = signals.feature(&rate.feature) else {
        return false;
    };
    // What is above the bound asks: from the next number on.
    let threshold = Some(rate.threshold.next_up()).filter(|next| next.is_finite());
    let asks = threshold.is_some_and(|threshold| value >= threshold);
    judged.hear(ScoreKind::Rate, "doubt", value + 0.0, threshold, asks, UNKNOWN_GAIN);
    true
}

/// The answer's signals, with what only the facts know.
pub(crate) fn with_facts(inputs: &Inputs, answer: &Answer) -> Signals {
    let (mut signals, facts) = (answer.signals.clone(), &inputs.facts);
    signals.complexity = signals.complexity.or(facts.complexity);
    signals.prompt_tokens = signals.prompt_tokens.or(facts.prompt_tokens);
    signals.retrieval_top = signals.retrieval_top.or(facts.retrieval_top);
    signals.retrieval_margin = signals.retrieval_margin.or(facts.retrieval_margin);
    signals
}

/// Whether the calibration has something to say.
fn calibrated(inputs: &Inputs, signals: &Signals, profile: &Profile, judged: &mut Judgement) -> bool {
    let Some(value) = profile.scorer.value(signals).filter(|value| value.is_finite()) else {
        judged.notes.push(Note::SignalsMissing);
        return false;
    };
    let group = inputs.facts.group.as_deref();
    if group.is_some_and(|group| !profile.groups.contains_key(group)) {
        judged.notes.push(Note::PooledThreshold);
    }
    let mut threshold = *profile.threshold_of(group);
    if let Some(price) = economics::gain_needed(inputs) {
        // The prices of now, where they are known, not those of the calibration.
        threshold = threshold.repriced(price);
    }
    if inputs.session.alarm == Some(Action::Tighten) {
        judged.notes.push(Note::Tightened);
        threshold = threshold.tightened();
    }
    let (kind, name, gain) = match profile.scorer.scale {
        Scale::Error => {
            judged.p_error = Some(value);
            (ScoreKind::Calibrated, "p_error", expected(&threshold, value))
        }
        Scale::Gain => {
            judged.gain = Some(value);
            (ScoreKind::Calibrated, "gain", value)
        }
        Scale::Doubt => {
            judged.notes.push(Note::Uncalibrated);
            (ScoreKind::Rate, "doubt", UNKNOWN_GAIN)
        }
    };
    let part = |(name, part): (&str, f64)| Contribution {
        name: name.to_string(),
        value: signals.feature(name).map(|value| value + 0.0),
        contribution: part + 0.0, // not -0, which JavaScript would not write
    };
    judged.contributions = profile.scorer.parts(signals).into_iter().map(part).collect();
    judged.contributions.retain(|part| part.contribution.is_finite());
    judged.hear(kind, name, value, threshold.below(), threshold.asks(value), gain);
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
fn conservative(inputs: &Inputs, signals: &Signals, judged: &mut Judgement) {
    match inputs.policy.escalation.conservative {
        Conservative::ChecksOnly => {}
        Conservative::Escalate => {
            judged.ask = Some(Ask {
                reason: Reason::LowConfidence,
                value: None,
                bound: None,
                gain: UNKNOWN_GAIN,
            });
        }
        Conservative::Quarter => {
            let measured = BOUNDS
                .iter()
                .filter_map(|(name, of, bound)| Some((*name, of(signals)?, *bound)));
            let measured: Vec<_> = measured.collect();
            let doubting = measured.iter().find(|(_, value, bound)| value < bound);
            if let Some((name, value, bound)) = doubting.or(measured.first()) {
                let doubts = value < bound;
                judged.hear(
                    ScoreKind::Conservative,
                    name,
                    *value,
                    Some(*bound),
                    doubts,
                    UNKNOWN_GAIN,
                );
            }
        }
    }
}

impl Judgement {
    /// Notes a score, and what it asks for.
    fn hear(&mut self, kind: ScoreKind, name: &str, value: f64, threshold: Option<f64>, doubts: bool, gain: f64) {
        self.score = Some(Score {
            kind,
            name: name.to_string(),
            value,
            threshold,
        });
        self.ask = doubts.then_some(Ask {
            reason: Reason::LowConfidence,
            value: Some(value),
            bound: threshold,
            gain,
        });
    }
}
