//! What a drill adds to each submit, so that a test sees its counts fail.

use super::Recorder;
use super::drill::Waste;
use crate::error::Result;

impl Recorder {
    /// Before a step's work is handed over.
    pub(super) fn waste(&mut self) -> Result<()> {
        let Some(waste) = self.device().drill.wasted() else {
            return Ok(());
        };
        match waste {
            Waste::Dispatch => {
                if let Some((_, pass)) = &mut self.open {
                    pass.dispatch_workgroups(0, 0, 0);
                    self.stats.dispatches += 1;
                }
            }
            Waste::Submit => {
                let encoder = self.device().device.create_command_encoder(&Default::default());
                self.queue_up(encoder);
            }
            Waste::Read => {
                let tokens = self.tokens();
                self.ask(&[(&tokens, 4)])?;
            }
            Waste::Object => drop(self.buffer("waste", 16)?),
        }
        Ok(())
    }
}
