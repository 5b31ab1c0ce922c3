//! The comparison with the twins once more, whenever somebody asks: beside the model, which it leaves as it is.

use super::ladder::demands_of;
use super::{AnyEngine, Clock};
use crate::backend::{Gpu, truth};
use crate::error::{Error, Result};

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Verdict {
    /// What agreed, by name; empty where something did not.
    pub tried: Vec<String>,
    /// What did not, where something did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<Wrong>,
    /// Milliseconds that it took.
    pub ms: f64,
}

/// The first number that is not what it should be.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Wrong {
    /// Of which operation.
    pub op: String,
    /// What the twin says.
    pub expected: String,
    /// What was computed.
    pub got: String,
}

impl AnyEngine {
    /// Compares what this model asks of its GPU with the twins. On the CPU there is no driver to mistrust, and nothing is tried:
    /// its instructions have a test of their own (`wasm::self_test`).
    ///
    /// # Errors
    /// What any command may fail with.
    pub async fn test_again(&mut self, clock: Clock) -> Result<Verdict> {
        let demands = demands_of(self.plan());
        let begun = clock();
        let tried = match self.device() {
            Some(device) => {
                let mut gpu = Gpu::on(device.clone())?;
                if let Some(tuned) = &self.self_test().tuned {
                    gpu.set_tuning(tuned.tuning);
                }
                truth::require_correct(&mut gpu, &demands, &[]).await
            }
            None => Ok(Vec::new()),
        };
        let (tried, wrong) = match tried {
            Ok(tried) => (tried, None),
            Err(Error::GpuWrong { op, expected, got, .. }) => (Vec::new(), Some(Wrong { op, expected, got })),
            Err(error) => return Err(error),
        };
        let ms = clock() - begun;
        Ok(Verdict { tried, wrong, ms })
    }
}
