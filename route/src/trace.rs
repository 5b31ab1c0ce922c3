//! The whole record of one request: what went in, what came out, and every step between. It has no text of the request, and
//! is all that [`replay`](crate::decide::replay) needs beside the calibration that it names.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::facts::Facts;
use crate::gauge::AbortRule;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::signals::{SIGNAL_VERSION, Signals};
use crate::state::Session;

/// Changes whenever an older trace would be read differently.
pub const TRACE_VERSION: u32 = 1;

/// One request, so far: a step before generation, a review after it, or the settled end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// With what it was made.
    pub versions: Versions,
    /// What went in.
    pub inputs: Inputs,
    /// What came out.
    pub decision: Decision,
    /// Everything that asked for the remote model, the first one first.
    pub asks: Vec<Ask>,
    /// Everything that forbade it, whatever was asked, in the order of gates.
    pub gates: Vec<Gate>,
    /// What was made of each remote model, in the policy's order.
    pub alternatives: Vec<Alternative>,
    /// Each signal's part in the calibrated score.
    pub contributions: Vec<Contribution>,
    /// What else should be known of the decision.
    pub notes: Vec<Note>,
}

/// With what a trace was made: another version may decide otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// [`TRACE_VERSION`].
    pub trace: u32,
    /// [`SIGNAL_VERSION`].
    pub signals: u32,
    /// Of this crate.
    pub core: String,
}

impl Versions {
    /// Of what runs.
    pub fn here() -> Versions {
        Versions {
            trace: TRACE_VERSION,
            signals: SIGNAL_VERSION,
            core: env!("CARGO_PKG_VERSION").to_string(),
        }
    }
}

/// Everything that the decision is a function of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The caller's name for the request.
    pub id: String,
    /// What the app wants.
    pub policy: Policy,
    /// What was known before generation.
    pub facts: Facts,
    /// The session, as it was then.
    pub session: Session,
    /// Which calibration was there.
    pub calibration: Calibration,
    /// What the answer showed; null before it is there.
    pub answer: Option<Answer>,
    /// What came of it; null before it is settled.
    pub outcome: Option<Outcome>,
}

/// What the answer showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its signals.
    pub signals: Signals,
    /// How generation ended.
    pub ended: Ended,
}

/// How generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself.
    #[default]
    Complete,
    /// By the rule that ends it early.
    Aborted,
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outcome {
    /// What happened at the remote model; absent: it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteOutcome>,
    /// Tokens that it counted, where it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Of an audit that was answered: whether the small model's answer was right, by what the remote model said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_ok: Option<bool>,
    /// Milliseconds that the small model's answer took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_ms: Option<u32>,
    /// What was left out of the prompt for the remote model, where one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<PayloadTokens>,
}

/// Tokens of a prompt as the small model gets it, and of what was sent instead; both by the small model's tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadTokens {
    /// For the small model.
    pub local: u32,
    /// For the remote one.
    pub sent: u32,
}

/// What happened at the remote model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteOutcome {
    /// It answered.
    Answered,
    /// The user did not agree; nothing left.
    ConsentDenied,
    /// It refused for its limits.
    RateLimited,
    /// It failed.
    Failed,
}

/// Tokens that a remote model counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Of the prompt.
    pub input: u32,
    /// Of the answer.
    pub output: u32,
}

/// What is to be done, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// Why: the one terminal reason. Null only while the answer is still to be generated.
    pub reason: Option<Reason>,
    /// What asked for the remote model first, whether or not it was heard.
    pub asked: Option<Reason>,
    /// Whether a calibrated score decided.
    pub calibrated: bool,
    /// The probability that the answer is wrong.
    pub p_error: Option<f64>,
    /// What the remote model is expected to gain: P(it right, local wrong) - P(local right, it wrong).
    pub gain: Option<f64>,
    /// The score that decided, whatever its kind: more is more doubt.
    pub score: Option<Score>,
    /// The remote model to ask; null where none is.
    pub egress: Option<Egress>,
    /// What ends generation early; null where nothing does, or nothing could be asked then.
    pub abort: Option<AbortRule>,
    /// Micro-units that it cost: by the remote model's count, else the most it can have been.
    pub cost: Option<u64>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The small model answers (or: its answer stands).
    Local,
    /// The remote model is asked.
    Remote,
    /// The small model's answer stands, and the remote model is asked to check it.
    Audit,
    /// There is no answer: nothing here can, and nothing may leave.
    None,
}

impl Action {
    /// Whether something leaves the device.
    pub fn leaves(self) -> bool {
        matches!(self, Action::Remote | Action::Audit)
    }
}

/// A score beside its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Which.
    pub kind: ScoreKind,
    /// Its name: `p_error`, `gain`, `doubt`, or a signal's (of which less is more doubt).
    pub name: String,
    /// What it was.
    pub value: f64,
    /// From where on it asks; null: nowhere.
    pub threshold: Option<f64>,
}

/// Where a score comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// A calibration with labels.
    Calibrated,
    /// A rank among the session's own scores: it promises a rate, and nothing of quality.
    Rate,
    /// A documented bound on a raw signal: it promises nothing.
    Conservative,
}

/// What leaves needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// The remote model's name.
    pub remote: String,
    /// The user is asked first. Nothing here says yes for him.
    pub needs_consent: bool,
    /// Names and numbers are replaced first.
    pub needs_redaction: bool,
    /// Micro-units that it can cost at most; null where tokens are not known.
    pub cost: Option<u64>,
}

/// Something that asked for the remote model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What.
    pub reason: Reason,
    /// The number that asked.
    pub value: Option<f64>,
    /// The bound that it passed.
    pub bound: Option<f64>,
    /// What the remote answer would gain, at most 1.
    pub gain: f64,
}

/// Something that forbade it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What.
    pub reason: Reason,
    /// The number that forbade.
    pub value: Option<f64>,
    /// The bound that it passed.
    pub bound: Option<f64>,
}

/// What was made of a remote model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Its name.
    pub remote: String,
    /// Micro-units that it can cost at most.
    pub cost: Option<u64>,
    /// What it would gain in micro-units: value x gain. Null where no value is stated, or nothing asked.
    pub benefit: Option<f64>,
    /// What that would take: cost x pacing + waiting.
    pub burden: Option<f64>,
    /// Why it cannot be asked; null: it can.
    pub reason: Option<Reason>,
}

/// A signal's part in the calibrated score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The feature.
    pub name: String,
    /// The feature's value; null: not measured, and its absence has a part of its own.
    pub value: Option<f64>,
    /// Its part, in log-odds of being wrong.
    pub contribution: f64,
}

/// What else should be known of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// There is no calibration: a promise of risk or value is not kept by anything.
    Uncalibrated,
    /// The calibration was made for something else; `inputs.calibration` says what differs.
    ProfileMismatch,
    /// The engine reports no probabilities: only facts and checks speak.
    NoProbabilities,
    /// A signal that the calibration needs was not measured.
    SignalsMissing,
    /// The group has no threshold of its own: that of all groups holds.
    PooledThreshold,
    /// Too few scores so far for a rate.
    WarmingUp,
    /// The traffic has changed: the threshold is stricter than calibrated.
    Tightened,
    /// The traffic has changed: the calibration is not used.
    Suspended,
}

impl Trace {
    /// Whether the small model's answer is awaited.
    pub fn pending(&self) -> bool {
        self.decision.reason.is_none()
    }

    /// Reads a trace.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong.
    pub fn from_json(text: &str) -> crate::Result<Trace> {
        let trace: Trace = crate::document::read("trace", text)?;
        trace.inputs.check()?;
        Ok(trace)
    }
}

impl Inputs {
    /// Refuses numbers that make no sense, in all documents.
    pub fn check(&self) -> crate::Result<()> {
        self.policy.check()?;
        self.facts.check()?;
        self.session.check()?;
        match &self.answer {
            Some(answer) => crate::border::check("signals", &answer.signals),
            None => Ok(()),
        }
    }
}
