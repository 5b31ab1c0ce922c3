//! `kinglet route report`: a folder with the figures, the table and two plots.

use std::path::Path;

use serde_json::Value;

use super::svg::{Kind, Plot, Series};
use super::{Result, table};
use crate::output;

/// Micro-units in a unit of money; costs are shown for a thousand requests.
const MICRO: f64 = 1e6;
const REQUESTS: f64 = 1000.0;

/// Writes the folder; the table goes to standard error, the files' names to standard output.
pub fn write(report: &Value, out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).map_err(|e| output::io(&out.display().to_string(), &e))?;
    let table = table::table(report);
    let mut files = vec![("report.json", format!("{report:#}\n"))];
    let mut markdown = format!("# Escalation: what it gains and costs\n\n```\n{table}```\n");
    for (name, svg) in [("deferral.svg", deferral(report)), ("frontier.svg", frontier(report))] {
        if let Some(svg) = svg {
            files.push((name, svg));
            markdown += &format!("\n![{}]({name})\n", name.trim_end_matches(".svg"));
        }
    }
    files.push(("report.md", markdown));
    for (name, content) in &files {
        let path = out.join(name);
        std::fs::write(&path, content).map_err(|e| output::io(&path.display().to_string(), &e))?;
    }
    eprint!("{table}");
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    Ok(output::line(&serde_json::json!({"files": names}))?)
}

fn subtitle(report: &Value) -> String {
    format!(
        "n = {}, signal: {}; {} bootstrap samples, seed {}",
        report["n"],
        report["signal"].as_str().unwrap_or("-"),
        report["bootstrap"]["replicates"],
        report["bootstrap"]["seed"]
    )
}

/// Quality against the share escalated.
fn deferral(report: &Value) -> Option<String> {
    let curves = report.get("curves")?;
    let places = curves["places"].as_f64()?;
    let mut series = Vec::new();
    for name in ["signal", "prompt_length", "random", "oracle"] {
        let Some(values) = curves[name].as_array() else {
            continue;
        };
        let point = |(i, v): (usize, &Value)| Some((100.0 * i as f64 / places, 100.0 * v.as_f64()?));
        series.push(Series {
            name: name.replace('_', " "),
            points: values.iter().enumerate().filter_map(point).collect(),
            intervals: Vec::new(),
            kind: Kind::Line,
        });
    }
    let plot = Plot {
        title: "Deferral curve: right answers by share escalated",
        subtitle: &subtitle(report),
        x: "escalated to the remote model, %",
        y: "right answers, %",
        series: &series,
    };
    Some(plot.svg())
}

/// Quality against money, with intervals; without money there is nothing to trade.
fn frontier(report: &Value) -> Option<String> {
    let mut series = Vec::new();
    for policy in report.get("policies")?.as_array()? {
        // Policies on other rows do not belong into one picture.
        let (Some(cost), true) = (policy["cost_per_item"]["value"].as_f64(), policy["n"] == report["n"]) else {
            continue;
        };
        let quality = |end: &str| Some(100.0 * policy["quality"][end].as_f64()?);
        let mark = if policy["frontier"] == true { " *" } else { "" };
        series.push(Series {
            name: format!("{}{mark}", policy["name"].as_str()?.replace('_', " ")),
            points: vec![(cost * REQUESTS / MICRO, quality("value")?)],
            intervals: vec![(quality("low")?, quality("high")?)],
            kind: Kind::Dots,
        });
    }
    if series.is_empty() {
        return None;
    }
    let plot = Plot {
        title: "Cost and quality of each policy (* on the frontier)",
        subtitle: &format!("{}; bars: intervals", subtitle(report)),
        x: "money for 1,000 requests, units of the prices",
        y: "right answers, %",
        series: &series,
    };
    Some(plot.svg())
}
