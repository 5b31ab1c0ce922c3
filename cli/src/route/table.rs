//! A report for people: the headline first, then policies and rankings, every figure with its interval and n.

use serde_json::Value;

/// Micro-units in a unit of money.
const MICRO: f64 = 1e6;

/// How a figure is printed.
#[derive(Clone, Copy)]
enum As {
    Percent,
    Points,
    Money,
    Number,
}

/// The whole report.
pub fn table(report: &Value) -> String {
    let mut out = format!(
        "{} rows, signal {}, {} samples, {} % intervals\n\n",
        report["n"],
        text(&report["signal"]),
        report["bootstrap"]["replicates"],
        percent(&report["bootstrap"]["level"])
    );
    if let Some(head) = report.get("headline") {
        out += &headline(head);
        out += &policies(report);
    }
    out += &rankings("All rows", &report["ranking"]);
    out += &differences(&report["ranking_differences"]);
    if let Some(judged) = report.get("task_label") {
        let title = format!("Task label, learnt from {} other rows", judged["learnt_from"]);
        out += &rankings(&title, &judged["ranking"]);
        out += &differences(&judged["ranking_differences"]);
    }
    out += &kept(&report["kept"]);
    if let Some(choice) = report.get("choice") {
        let of = |name: &str| figure(&choice[name], As::Percent);
        out += &format!(
            "had other rows set the threshold: {} escalated, {} of the kept wrong, quality {}\n",
            of("escalated"),
            of("risk"),
            of("quality")
        );
    }
    if let Some(wasted) = report.get("wasted") {
        out += &format!(
            "local time on what is then escalated: {} ms a request, {} of all local time\n",
            figure(&wasted["wasted_local_ms"], As::Number),
            figure(&wasted["wasted_local_share"], As::Percent)
        );
    }
    if let Some(odds) = report.get("odds") {
        out += &format!(
            "odds: ECE {}, Brier {}\n",
            figure(&odds["ece"], As::Number),
            figure(&odds["brier"], As::Number)
        );
    }
    if let Some(graders) = report.get("graders") {
        out += &format!(
            "graders disagree on {}: right by the program alone {}, by the person alone {}; kappa {}\n",
            figure(&graders["disagreement"], As::Percent),
            graders["automatic_only"],
            graders["human_only"],
            figure(&graders["kappa"], As::Number)
        );
    }
    for note in report["notes"].as_array().into_iter().flatten() {
        out += &format!("note: {}\n", text(note));
    }
    out
}

/// Money per right answer and the difference in quality; only then the saving.
fn headline(head: &Value) -> String {
    format!(
        "money per right answer  {}   (all remote: {})\nquality                 {}   (difference to all remote: {})\nsaving to all remote    {}   with {:.1} % escalated\n\n",
        figure(&head["cost_per_right"], As::Money),
        figure(&head["cost_per_right_all_remote"], As::Money),
        figure(&head["quality"], As::Percent),
        figure(&head["quality_difference_to_all_remote"], As::Points),
        figure(&head["saving_to_all_remote"], As::Percent),
        100.0 * head["escalated"].as_f64().unwrap_or_default(),
    )
}

fn policies(report: &Value) -> String {
    let mut out = format!(
        "{:<22} {:>5}  {:<26} {:<28} {:<26} {:<34} {}\n",
        "policy (* frontier)",
        "n",
        "quality",
        "difference to all remote",
        "escalated",
        "money per right answer",
        "benefit lift"
    );
    for p in report["policies"].as_array().into_iter().flatten() {
        let mark = if p["frontier"] == true { " *" } else { "" };
        let row = format!(
            "{:<22} {:>5}  {:<26} {:<28} {:<26} {:<34} {}",
            format!("{}{mark}", text(&p["name"])),
            p["n"].to_string(),
            short(&p["quality"], As::Percent),
            short(&p["quality_difference_to_all_remote"], As::Points),
            short(&p["escalated"], As::Percent),
            short(&p["cost_per_right"], As::Money),
            short(&p["benefit_lift"], As::Number),
        );
        out += row.trim_end();
        out.push('\n');
    }
    out + "\n"
}

fn rankings(title: &str, ranking: &Value) -> String {
    const KEYS: [&str; 6] = ["auroc_wrong", "auroc_gain", "apgr", "cpt50", "cpt80", "e_aurc"];
    let n = ranking["signal"]["auroc_wrong"]["n"]
        .as_u64()
        .or(ranking["signal"]["aurc"]["n"].as_u64());
    let mut out = format!("{title}, n = {}\n{:<16}", n.unwrap_or_default(), "ranking by");
    KEYS.iter().for_each(|key| out += &format!(" {key:<23}"));
    out = out.trim_end().to_string() + "\n";
    for (name, figures) in ranking.as_object().into_iter().flatten() {
        let mut row = format!("{name:<16}");
        KEYS.iter()
            .for_each(|key| row += &format!(" {:<23}", short(&figures[*key], As::Number)));
        out += row.trim_end();
        out.push('\n');
    }
    out + "\n"
}

fn differences(all: &Value) -> String {
    let mut out = String::new();
    for (pair, figures) in all.as_object().into_iter().flatten() {
        let list: Vec<String> = figures
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, f)| format!("{name} {}", short(f, As::Number)))
            .collect();
        out += &format!("{pair}: {}\n", list.join(", "));
    }
    out + "\n"
}

fn kept(kept: &Value) -> String {
    let mut out = format!(
        "kept: {} of them wrong, with {} escalated\n",
        figure(&kept["risk"], As::Percent),
        figure(&kept["escalated"], As::Percent)
    );
    if let Some(share) = kept["violations"]["share"].as_f64() {
        out += &format!(
            "risk above {} % in {:.1} % of {} samples of n = {}\n",
            percent(&kept["bound"]),
            100.0 * share,
            kept["violations"]["of_resamples"],
            kept["violations"]["n"]
        );
    }
    out
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn percent(value: &Value) -> String {
    let rounded = (1e4 * value.as_f64().unwrap_or_default()).round() / 100.0;
    rounded.to_string()
}

fn number(x: f64, how: As) -> String {
    match how {
        As::Percent => format!("{:.1} %", 100.0 * x),
        As::Points => format!("{:+.1} pt", 100.0 * x),
        As::Money => format!("{:.6}", x / MICRO),
        As::Number => format!("{x:.3}"),
    }
}

/// `value [low, high]`, or a dash.
fn short(estimate: &Value, how: As) -> String {
    let field = |name: &str| estimate[name].as_f64();
    match (field("value"), field("low"), field("high")) {
        (Some(value), Some(low), Some(high)) => {
            let ends = |x: f64| match how {
                As::Percent => format!("{:.1}", 100.0 * x),
                As::Points => format!("{:+.1}", 100.0 * x),
                _ => number(x, how),
            };
            format!("{} [{}, {}]", number(value, how), ends(low), ends(high))
        }
        _ => "-".into(),
    }
}

/// The same with n.
fn figure(estimate: &Value, how: As) -> String {
    match estimate["n"].as_u64() {
        Some(n) => format!("{} n = {n}", short(estimate, how)),
        None => "-".into(),
    }
}
