//! What happened to the runtime that the caller need not act on, but should hear of.

use crate::error::Error;
use crate::model::plan::Plan;

/// One such event; crosses the JavaScript boundary as `{code, message, detail}`, like an error.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Notice {
    /// Stable name, see docs/robustness.md.
    pub code: &'static str,
    /// What happened and what was done about it.
    pub message: String,
    /// The numbers.
    pub detail: serde_json::Value,
}

impl Notice {
    /// The device was lost, and another one is being opened.
    #[cfg(feature = "gpu")]
    pub(super) fn lost(error: &Error) -> Self {
        Self {
            code: "gpu_lost",
            message: format!("{error}; kinglet opens another device"),
            detail: error.detail(),
        }
    }

    /// Something had to be given up: `what` went from `before` to `now`, because of `error`.
    pub(super) fn degraded(what: &str, before: serde_json::Value, now: serde_json::Value, error: &Error) -> Self {
        Self {
            code: "degraded",
            message: format!("{what}: {now} instead of {before}, because {error}"),
            detail: serde_json::json!({"what": what, "before": before, "now": now, "cause": error.to_json()}),
        }
    }

    /// Devices are lost as fast as they are opened: the CPU takes over.
    pub fn given_up(error: &Error) -> Self {
        Self::degraded("backend", "gpu".into(), "cpu".into(), error)
    }

    /// The GPU computes wrongly and is not used.
    #[cfg(feature = "gpu")]
    pub(super) fn disabled(error: &Error) -> Self {
        Self {
            code: "gpu_disabled",
            message: format!("{error}; the processor computes instead"),
            detail: error.detail(),
        }
    }

    /// The model is on a device again.
    pub fn restored(backend: &str, plan: &Plan, ms: f64) -> Self {
        Self {
            code: "gpu_restored",
            message: format!("the model is loaded again and goes on ({backend}, {ms:.0} ms)"),
            detail: serde_json::json!({"backend": backend, "context": plan.n_ctx, "ms": ms}),
        }
    }
}
