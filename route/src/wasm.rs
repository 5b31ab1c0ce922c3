//! What JavaScript sees: JSON texts in, JSON texts out, numbers printed by one code everywhere. Errors are thrown as
//! `{code, message, detail}`.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::RouteError;
use crate::reported::Reported;
use crate::router::{self, Verdict};

/// A policy with its calibrations: see [`router::Router`].
#[wasm_bindgen]
pub struct Router {
    inner: router::Router,
}

#[wasm_bindgen]
impl Router {
    /// From JSON texts: a policy, profiles, a binding.
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str, profiles: Vec<String>, binding: &str) -> Result<Router, JsValue> {
        let inner = router::Router::new(policy, &profiles, binding).map_err(thrown)?;
        Ok(Router { inner })
    }

    /// Before generation.
    pub fn decide(&self, id: &str, facts: &str, state: &str, binding: Option<String>) -> Result<String, JsValue> {
        self.inner.decide(id, facts, state, binding.as_deref()).map_err(thrown)
    }

    /// After it.
    pub fn review(&self, step: &str, answer: &str) -> Result<String, JsValue> {
        self.inner.review(step, answer).map_err(thrown)
    }

    /// The end.
    pub fn settle(&self, review: &str, outcome: &str, state: &str) -> Result<String, JsValue> {
        self.inner.settle(review, outcome, state).map_err(thrown)
    }

    /// What is said of a settled answer: whether it was right.
    pub fn audit(&self, trace: &str, right: bool, state: &str) -> Result<String, JsValue> {
        let verdict = if right { Verdict::Right } else { Verdict::Wrong };
        self.inner.audit(trace, verdict, state).map_err(thrown)
    }

    /// A trace from its inputs.
    pub fn replay(&self, trace: &str) -> Result<String, JsValue> {
        self.inner.replay(trace).map_err(thrown)
    }

    /// What it goes by.
    pub fn config(&self, binding: Option<String>) -> Result<String, JsValue> {
        self.inner.config(binding.as_deref()).map_err(thrown)
    }
}

/// The state of a session that begins.
#[wasm_bindgen]
pub fn fresh() -> Result<String, JsValue> {
    router::fresh().map_err(thrown)
}

/// Refuses what is no state.
#[wasm_bindgen]
pub fn check_state(state: &str) -> Result<(), JsValue> {
    router::check_state(state).map_err(thrown)
}

/// The state in which the app has seen to alarms of one kind.
#[wasm_bindgen]
pub fn acknowledge(kind: &str, state: &str) -> Result<String, JsValue> {
    router::acknowledged(kind, state).map_err(thrown)
}

/// The sentence of a trace.
#[wasm_bindgen]
pub fn explain(trace: &str) -> Result<String, JsValue> {
    router::explained(trace).map_err(thrown)
}

/// Signals of another engine's answer.
#[wasm_bindgen]
pub fn reported(answer: &str) -> Result<String, JsValue> {
    let signals = Reported::from_json(answer).and_then(|reported| reported.signals());
    let text = signals.map(|signals| serde_json::to_string(&signals));
    text.map_err(thrown)?
        .map_err(|error| thrown(RouteError::invalid("signals", "what JSON can say", error)))
}

pub(crate) fn thrown(error: RouteError) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    error.to_json().serialize(&serializer).unwrap_or(JsValue::NULL)
}
