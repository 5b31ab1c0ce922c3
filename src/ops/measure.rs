//! What the operations of a step took, where somebody asks.

/// How times were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// A clock around every operation.
    Clock,
    /// The GPU's own clock, at the beginning and the end of all operations of one kind.
    Timestamps,
    /// All operations of one kind submitted and waited for, less what an empty wait takes.
    Settled,
}

/// All operations of one kind at one stage of a step.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Span {
    /// The part of the model, see [`Ops::stage`](super::Ops::stage).
    pub stage: &'static str,
    /// The operation, as in [`Ops`](super::Ops).
    pub op: &'static str,
    /// What computed it: instructions, or shader variants.
    pub kernel: String,
    /// How often.
    pub calls: usize,
    /// Milliseconds, all calls together.
    pub ms: f64,
}

/// A step, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// How.
    pub method: Method,
    /// In the order of their first calls.
    pub spans: Vec<Span>,
}

/// Collects [`Span`]s.
#[derive(Debug, Default)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// Adds `calls` that took `ms` together.
    pub fn add(&mut self, stage: &'static str, op: &'static str, kernel: &str, calls: usize, ms: f64) {
        let known = self.0.iter_mut().find(|span| span.stage == stage && span.op == op);
        let Some(span) = known else {
            let kernel = kernel.into();
            return self.0.push(Span {
                stage,
                op,
                kernel,
                calls,
                ms,
            });
        };
        span.calls += calls;
        span.ms += ms;
        if !span.kernel.split(", ").any(|other| other == kernel) {
            span.kernel = format!("{}, {kernel}", span.kernel);
        }
    }

    /// All of them.
    pub fn all(self) -> Vec<Span> {
        self.0
    }
}
