//! What the app wants: the whole of it as one JSON document in camelCase. An unknown field is an error that names its path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{between, finite, integer};
use crate::price::Price;
use crate::privacy::{Consent, DEFAULT, Joined, Redact};
use crate::{Result, RouteError};

/// Remote models of one policy, at most.
pub const MAX_REMOTES: usize = 16;
/// Tasks of one policy, at most.
pub const MAX_TASKS: usize = 256;
/// Bytes of a name, at most.
pub const MAX_NAME: usize = 200;
/// Share of repeated 4-grams from which an answer runs in circles. A choice of ours, uncalibrated: ordinary prose is below
/// a tenth of it, a loop approaches 1.
pub const REPETITION: f64 = 0.5;
/// Share of the label "none of them" from which a text belongs to none: more likely than all others together.
pub const OUT_OF_SCOPE: f64 = 0.5;
/// Confidence of a promised risk where none is stated, as in the literature's δ = 0.1.
pub const CONFIDENCE: f64 = 0.9;

/// A policy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// Which side is preferred, and whether the other is allowed.
    pub mode: Mode,
    /// The remote models, in order of preference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remotes: Vec<Remote>,
    /// When the small model's answer is not enough.
    pub escalation: Escalation,
    /// Rules by task.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, TaskRule>,
    /// Labels of what has none.
    pub privacy: Privacy,
}

/// Which side is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The device, unless something asks for the remote model.
    #[default]
    PreferLocal,
    /// The device, whatever asks.
    OnlyLocal,
    /// The remote model, unless something forbids it.
    PreferRemote,
    /// The remote model; where something forbids it there is no answer.
    OnlyRemote,
}

/// A remote model: here a value that is decided for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remote {
    /// How the policy, decisions and traces call it.
    pub name: String,
    /// What it costs.
    pub price: Price,
    /// Tokens that prompt and answer may have together; absent: more than anybody sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
    /// What its answer usually takes; absent: nothing that is weighed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
}

/// When the small model's answer is not enough.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Escalation {
    /// What is promised; absent: facts and checks decide, and the conservative rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Ends generation early; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,
    /// The largest share of a session's requests that may leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rate: Option<f64>,
    /// The share of kept answers that the caller draws to be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<f64>,
    /// What a request may take on this device, unless it says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_budget_ms: Option<u32>,
    /// Micro-units that a second of waiting costs.
    pub latency_weight: u64,
    /// What the app's own scorer of complexity may say at most; absent: it speaks only through a calibration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complexity_bound: Option<f64>,
    /// The smallest score of the best passage that speaks of the question; absent: none is too small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieval_bound: Option<f64>,
    /// Share of repeated 4-grams from which an answer runs in circles; absent: [`REPETITION`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_bound: Option<f64>,
    /// Share of the label for none from which a text is out of scope; absent: [`OUT_OF_SCOPE`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_scope_bound: Option<f64>,
    /// What decides where no calibration does.
    pub conservative: Conservative,
}

/// A promise: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Target {
    /// The share of requests that leave, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation_rate: Option<f64>,
    /// The share of wrong ones among kept answers, for traffic like the calibration set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<f64>,
    /// With which probability the calibration keeps to `risk`; absent: [`CONFIDENCE`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Micro-units that a correct answer is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_per_correct: Option<u64>,
}

/// When generation ends early: once `grace` tokens are there and the mean log-probability of the last
/// [`WINDOW`](crate::signals::WINDOW) is under the bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Abort {
    /// Tokens that are always generated.
    pub grace: u32,
    /// The bound, in nats, at most 0.
    pub window_below: f64,
}

/// What decides where no calibration does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conservative {
    /// The quarter of the session's answers with the most doubt is asked for; until there are enough of them, those beyond
    /// the documented bounds on raw signals.
    #[default]
    Quarter,
    /// Nothing: facts and checks alone.
    ChecksOnly,
    /// What no calibration speaks for is asked of the remote model.
    Escalate,
}

/// What holds for one task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TaskRule {
    /// Whether it leaves.
    pub escalate: Rule,
    /// Micro-units that a correct answer is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// The least that everything in this task's payload is labelled with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The same of redaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redact: Option<Redact>,
}

/// Whether a task's requests leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// As everything else says.
    #[default]
    Default,
    /// Unless something forbids it.
    Always,
    /// Not at all.
    Never,
}

/// Labels of what has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Privacy {
    /// Whether it may leave.
    pub consent: Consent,
    /// Whether it is redacted first.
    pub redact: Redact,
}

impl Default for Privacy {
    fn default() -> Privacy {
        Privacy {
            consent: DEFAULT.consent,
            redact: DEFAULT.redact,
        }
    }
}

impl From<Privacy> for Joined {
    fn from(privacy: Privacy) -> Joined {
        Joined {
            consent: privacy.consent,
            redact: privacy.redact,
        }
    }
}

impl Policy {
    /// Reads and checks a policy.
    ///
    /// # Errors
    ///
    /// `invalid_request` with the path of what is unknown or wrong.
    pub fn from_json(text: &str) -> Result<Policy> {
        let policy: Policy = crate::document::read("policy", text)?;
        policy.check()?;
        Ok(policy)
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        if self.remotes.len() > MAX_REMOTES {
            let expected = format!("at most {MAX_REMOTES} remote models");
            return Err(RouteError::invalid("policy.remotes", expected, self.remotes.len()));
        }
        for (i, remote) in self.remotes.iter().enumerate() {
            let path = format!("policy.remotes[{i}]");
            name(&format!("{path}.name"), &remote.name)?;
            if self.remotes[..i].iter().any(|other| other.name == remote.name) {
                return Err(RouteError::invalid(
                    format!("{path}.name"),
                    "a name of its own",
                    &remote.name,
                ));
            }
            remote.price.check(&format!("{path}.price"))?;
            remote
                .price
                .same_currency(&format!("{path}.price"), &self.remotes[0].price)?;
        }
        if self.tasks.len() > MAX_TASKS {
            let expected = format!("at most {MAX_TASKS} tasks");
            return Err(RouteError::invalid("policy.tasks", expected, self.tasks.len()));
        }
        for (task, rule) in &self.tasks {
            name("policy.tasks", task)?;
            integer(&format!("policy.tasks.{task}.value"), rule.value)?;
        }
        self.escalation.check()
    }

    /// The rule of a task.
    pub fn rule(&self, task: Option<&str>) -> Option<&TaskRule> {
        self.tasks.get(task?)
    }
}

impl Escalation {
    fn check(&self) -> Result<()> {
        let path = |field: &str| format!("policy.escalation.{field}");
        for (field, value) in [
            ("maxRate", self.max_rate),
            ("audit", self.audit),
            ("complexityBound", self.complexity_bound),
            ("repetitionBound", self.repetition_bound),
            ("outOfScopeBound", self.out_of_scope_bound),
        ] {
            between(&path(field), value, 0.0, 1.0)?;
        }
        finite(&path("retrievalBound"), self.retrieval_bound)?;
        integer(&path("latencyWeight"), Some(self.latency_weight))?;
        if let Some(abort) = self.abort {
            between(&path("abort.windowBelow"), Some(abort.window_below), f64::MIN, 0.0)?;
        }
        self.target.as_ref().map_or(Ok(()), Target::check)
    }
}

impl Target {
    fn check(&self) -> Result<()> {
        let path = "policy.escalation.target";
        let given = [
            self.escalation_rate.is_some(),
            self.risk.is_some(),
            self.value_per_correct.is_some(),
        ];
        let given = given.iter().filter(|given| **given).count();
        if given != 1 {
            let expected = "exactly one of escalationRate, risk and valuePerCorrect";
            return Err(RouteError::invalid(path, expected, format!("{given} of them")));
        }
        if self.confidence.is_some() && self.risk.is_none() {
            return Err(RouteError::invalid(
                format!("{path}.confidence"),
                "a risk beside it",
                "none",
            ));
        }
        between(&format!("{path}.escalationRate"), self.escalation_rate, 0.0, 1.0)?;
        between(&format!("{path}.risk"), self.risk, 0.0, 1.0)?;
        between(&format!("{path}.confidence"), self.confidence, 0.5, 0.9999)?;
        integer(&format!("{path}.valuePerCorrect"), self.value_per_correct)
    }
}

/// Refuses names that are empty or endless.
fn name(path: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME {
        let expected = format!("a name of 1 to {MAX_NAME} bytes");
        return Err(RouteError::invalid(path, expected, format!("{} bytes", name.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Policy::from_json(text).expect_err(text).to_string()
    }

    #[test]
    fn errors_name_the_path() {
        for (text, path) in [
            (r#"{"mood": 1}"#, "policy.mood: "),
            (r#"{"escalation": {"maxrate": 1}}"#, "policy.escalation.maxrate: "),
            (
                r#"{"escalation": {"target": {"risk": "low"}}}"#,
                "policy.escalation.target.risk: ",
            ),
            (r#"{"escalation": {"target": {}}}"#, "policy.escalation.target: "),
            (
                r#"{"escalation": {"target": {"risk": 0.1, "escalationRate": 0.1}}}"#,
                "policy.escalation.target: ",
            ),
            (
                r#"{"escalation": {"target": {"risk": 1.5}}}"#,
                "policy.escalation.target.risk: ",
            ),
            (r#"{"escalation": {"audit": 1e999}}"#, "policy.escalation.audit: "),
            (r#"{"escalation": {"audit": NaN}}"#, "policy.escalation.audit: "),
            (
                r#"{"escalation": {"abort": {"grace": 8, "windowBelow": 1}}}"#,
                "policy.escalation.abort.windowBelow: ",
            ),
            (r#"{"mode": "observe"}"#, "policy.mode: "),
            (r#"{"remotes": [{"name": "a"}]}"#, "policy.remotes[0]: "),
            (
                r#"{"remotes": [{"name": "a", "price": {"inputPerMillion": 2.5}}]}"#,
                "policy.remotes[0].price.inputPerMillion: ",
            ),
            (
                r#"{"tasks": {"t": {"escalate": "perhaps"}}}"#,
                "policy.tasks.t.escalate: ",
            ),
            (r#"{"privacy": {"consent": "public"}}"#, "policy.privacy.consent: "),
            ("[]x", "policy"),
            ("", "policy: "),
        ] {
            let message = refused(text);
            assert!(message.starts_with(path), "{text}: {message}");
        }
        assert_eq!(Policy::from_json("{}").expect("all defaults"), Policy::default());
    }

    #[test]
    fn a_policy_is_written_as_it_is_read() {
        let text = r#"{"mode":"prefer-local","remotes":[{"name":"strong","price":{"inputPerMillion":2500000,"outputPerMillion":10000000,"perRequest":0,"currency":"USD","asOf":"2026-11-22"},"contextWindow":128000}],"escalation":{"target":{"risk":0.05,"confidence":0.9},"abort":{"grace":16,"windowBelow":-3.5},"maxRate":0.3,"latencyWeight":0,"conservative":"quarter"},"tasks":{"intent":{"escalate":"never","value":20000}},"privacy":{"consent":"ask","redact":"yes"}}"#;
        let policy = Policy::from_json(text).expect("a policy");
        assert_eq!(serde_json::to_string(&policy).expect("JSON"), text);
    }

    #[test]
    fn hostile_documents_are_refused() {
        refused(&"[".repeat(100_000));
        refused(&format!("{{\"tasks\": {{\"{}\": {{}}}}}}", "x".repeat(MAX_NAME + 1)));
        let remote = r#"{"name":"a","price":{"inputPerMillion":1,"outputPerMillion":1,"currency":"USD","asOf":"d"}}"#;
        refused(&format!(r#"{{"remotes": [{remote}, {remote}]}}"#));
        let other = remote.replace(r#""a""#, r#""b""#);
        Policy::from_json(&format!(r#"{{"remotes": [{remote}, {other}]}}"#)).expect("two names");
        let dollars = refused(&format!(
            r#"{{"remotes": [{remote}, {}]}}"#,
            other.replace("USD", "JPY")
        ));
        assert!(dollars.starts_with("policy.remotes[1].price.currency: "), "{dollars}");
        refused(&format!(
            r#"{{"remotes": [{}]}}"#,
            vec![remote; MAX_REMOTES + 1].join(",")
        ));
    }
}
