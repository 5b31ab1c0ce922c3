//! Signals at the border: what is no number is refused by its path, before anything is made of it.

use serde_json::Value;

use crate::document::finite;
use crate::signals::{Origin, SIGNAL_VERSION, Signals};
use crate::{Result, RouteError};

/// Refuses signals of another version, and numbers that are none. `path` begins the names in errors.
///
/// # Errors
///
/// `invalid_request`.
pub fn check(path: &str, s: &Signals) -> Result<()> {
    // Whoever measures no probabilities need not know how they would be defined.
    if s.version != SIGNAL_VERSION && !(s.version == 0 && s.origin == Origin::None) {
        return Err(RouteError::invalid(
            format!("{path}.version"),
            SIGNAL_VERSION.to_string(),
            s.version,
        ));
    }
    for (name, value) in numbers(s) {
        finite(&format!("{path}.{name}"), value)?;
    }
    Ok(())
}

/// Refuses a name that is no signal's: one that is misspelt would be one that was not measured.
///
/// # Errors
///
/// `invalid_request` with the path.
pub fn check_names(path: &str, signals: &Value) -> Result<()> {
    let known = serde_json::to_value(Signals::default()).unwrap_or_default();
    let known = |name: &str| known.get(name).is_some();
    let unknown = signals
        .as_object()
        .and_then(|fields| fields.keys().find(|name| !known(name)));
    match unknown {
        Some(name) => Err(RouteError::invalid(
            format!("{path}.{name}"),
            "a signal of docs/routing.md",
            "another name",
        )),
        None => Ok(()),
    }
}

/// Every number that might be none, by name.
fn numbers(s: &Signals) -> [(&'static str, Option<f64>); 29] {
    [
        ("mean_logprob", s.mean_logprob),
        ("min_logprob", s.min_logprob),
        ("first_logprob", s.first_logprob),
        ("q05_logprob", s.q05_logprob),
        ("q10_logprob", s.q10_logprob),
        ("q25_logprob", s.q25_logprob),
        ("q50_logprob", s.q50_logprob),
        ("window_logprob", s.window_logprob),
        ("mean_margin", s.mean_margin),
        ("min_margin", s.min_margin),
        ("first_margin", s.first_margin),
        ("mean_entropy", s.mean_entropy),
        ("max_entropy", s.max_entropy),
        ("grammar_pressure", s.grammar_pressure),
        ("anchor_logprob", s.anchor_logprob),
        ("anchor_margin", s.anchor_margin),
        ("label_max", s.label_max),
        ("label_margin", s.label_margin),
        ("label_mass", s.label_mass),
        ("label_none", s.label_none),
        ("head_max", s.head_max),
        ("head_margin", s.head_margin),
        ("agreement", s.agreement),
        ("repetition", s.repetition),
        ("retrieval_top", s.retrieval_top),
        ("retrieval_margin", s.retrieval_margin),
        ("retrieval_coverage", s.retrieval_coverage),
        ("complexity", s.complexity),
        ("tokens", Some(f64::from(s.tokens))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_of_signals_is_forgotten() {
        let all = serde_json::to_value(Signals::default()).expect("JSON");
        // What cannot be without being a number: integers, truths, names.
        let others = [
            "version",
            "origin",
            "forced_tokens",
            "samples",
            "truncated",
            "refusal",
            "empty",
            "parse_ok",
            "schema_ok",
            "quote_ok",
            "verified",
            "prompt_tokens",
        ];
        let named = numbers(&Signals::default());
        for name in all.as_object().expect("an object").keys() {
            let known = others.contains(&name.as_str()) || named.iter().any(|(n, _)| n == name);
            assert!(known, "signals.{name} is not checked");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_by_path() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let signals = Signals {
                version: SIGNAL_VERSION,
                mean_margin: Some(bad),
                ..Signals::default()
            };
            let error = check("signals", &signals).expect_err("refused").to_string();
            assert!(error.starts_with("signals.mean_margin: "), "{error}");
        }
        let measured = Signals {
            origin: Origin::Measured,
            ..Signals::default()
        };
        assert!(check("signals", &measured).is_err(), "version 0");
        assert!(check("signals", &Signals::default()).is_ok());
    }
}
