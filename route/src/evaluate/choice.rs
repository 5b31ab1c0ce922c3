//! How much the operating point itself is a matter of chance: the share is taken of each resample, which sets a threshold, and
//! what that does is judged on all rows. The other intervals keep the threshold and vary the rows.

use serde_json::{Value, json};

use super::source::{Operating, Options, Scored};
use super::{Table, object};
use crate::measure::operate::{escalate_share_of, gains};
use crate::measure::{Sample, risk};

const FIGURES: [&str; 3] = ["escalated", "risk", "quality"];

/// Escalated share, risk of what is kept, and quality, over thresholds that other rows of the same kind would have set. `None`
/// where the threshold does not come from these rows.
pub fn choice(table: &Table, scored: &Scored, options: &Options) -> Option<Value> {
    let Operating::Share(share) = options.operating else {
        return None;
    };
    let n = table.wrong.len();
    let all = Sample::all(n);
    let draws = options.bootstrap.draws(n, |sample| {
        let escalated = escalate_share_of(&scored.ranking, share, sample);
        let quality = table.outcomes.as_ref().map(|outcomes| gains(&escalated, outcomes));
        vec![
            Some(escalated.iter().sum::<f64>() / n as f64),
            risk::kept_risk(&escalated, &table.wrong, &all),
            quality,
        ]
    });
    let names = FIGURES.map(String::from);
    let mut out = object(&names, draws.estimates());
    out["n"] = json!(n);
    Some(out)
}
