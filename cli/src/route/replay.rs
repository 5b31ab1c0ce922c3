//! `kinglet route replay`: decisions computed again from their traces.

use std::path::Path;

use kinglet_route::RouteError;
use kinglet_route::decide::replay as again;
use kinglet_route::explain::explain;
use kinglet_route::trace::Trace;
use serde_json::{Value, json};

use super::{Failure, Result, profile, text};
use crate::output;

pub fn replay(traces: &Path, with: Option<&Path>) -> Result<()> {
    let profile = with.map(profile).transpose()?;
    let (mut n, mut different) = (0usize, 0usize);
    for (i, line) in text(traces)?.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let at_line = |error: RouteError| match error {
            RouteError::Invalid { path, expected, got } => {
                RouteError::invalid(format!("line {}: {path}", i + 1), expected, got)
            }
            other => other,
        };
        let given = Trace::from_json(line).map_err(at_line)?;
        let computed = again(&given, profile.as_ref()).map_err(at_line)?;
        // As text: numbers that are equal may still differ in their bits.
        let as_text = |trace: &Trace| json!(trace).to_string();
        let identical = as_text(&given) == as_text(&computed);
        n += 1;
        different += usize::from(!identical);
        let difference = if identical {
            Value::Null
        } else {
            json!({"given": given, "computed": computed})
        };
        output::line(
            &json!({"line": i + 1, "identical": identical, "sentence": explain(&computed), "difference": difference}),
        )?;
    }
    if n == 0 {
        return Err(RouteError::invalid("traces", "at least one", "none").into());
    }
    eprintln!("{} of {n} traces are identical", n - different);
    match different {
        0 => Ok(()),
        _ => Err(Failure::Route(RouteError::invalid(
            "traces",
            "the same decision, bit by bit",
            format!("{different} of {n} that differ"),
        ))),
    }
}
