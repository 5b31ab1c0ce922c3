//! Chat templates against Jinja2: the shared renderings, our own cases, and hostile templates.

use kinglet::Error;
use kinglet::text::template::{ChatTemplate, CivilTime, RenderInput};
use serde_json::{Map, Value};

use crate::support;

/// The clock of every golden.
const NOW: &str = "2026-01-15T12:00";

fn render(template: &str, case: &Value) -> Result<String, Error> {
    let text = |key: &str, default: &'static str| case.get(key).and_then(Value::as_str).unwrap_or(default).to_owned();
    let extra: Map<String, Value> = case
        .get("extra")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    ChatTemplate::new(template)?.render(&RenderInput {
        messages: &case["messages"],
        tools: case.get("tools").filter(|t| !t.is_null()),
        add_generation_prompt: case
            .get("add_generation_prompt")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        bos_token: &text("bos_token", "<s>"),
        eos_token: &text("eos_token", "</s>"),
        now: CivilTime::from_iso(NOW).expect("a date"),
        extra: &extra,
    })
}

/// Compares one rendering; the error says where they part.
fn compare(template: &str, case: &Value) -> Result<(), String> {
    match (render(template, case), case.get("expected").and_then(Value::as_str)) {
        (Ok(got), Some(want)) if got == want => Ok(()),
        (Ok(got), Some(want)) => {
            let same = got.bytes().zip(want.bytes()).take_while(|(a, b)| a == b).count();
            let tail = |s: &str| {
                String::from_utf8_lossy(&s.as_bytes()[same.saturating_sub(20)..])
                    .chars()
                    .take(90)
                    .collect::<String>()
            };
            Err(format!("at byte {same}: got {:?}, want {:?}", tail(&got), tail(want)))
        }
        (Err(e), Some(_)) => Err(format!("error: {e}")),
        (Ok(got), None) => Err(format!("no error, but {got:?}")),
        (Err(_), None) => Ok(()),
    }
}

fn check_all(cases: impl Iterator<Item = (String, String, Value)>, at_least: usize) {
    let mut count = 0;
    let mut failures = Vec::new();
    for (name, template, case) in cases {
        count += 1;
        if let Err(e) = compare(&template, &case) {
            failures.push(format!("{name}: {e}"));
        }
    }
    println!("{count} renderings");
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(count >= at_least, "only {count} cases");
}

#[test]
fn shared_renderings() {
    let Some(path) = support::shared("templates/rendered.jsonl") else {
        return;
    };
    let folder = path.parent().expect("a folder").to_owned();
    let lines = std::fs::read_to_string(&path).expect("readable");
    let cases = lines.lines().map(|line| {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let file = case["template"].as_str().expect("a name").to_owned();
        let template = std::fs::read_to_string(folder.join(&file)).expect("readable");
        (format!("{file} [{}]", case["case"]), template, case)
    });
    check_all(cases, 425);
}

/// Cases written by tools/template_cases.py.
#[test]
fn cases_of_jinja2() {
    let path = support::root().join("tests/cases/template_cases.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").iter().map(|case| {
        let template = case["template"].as_str().expect("a template").to_owned();
        let mut whole = case.clone();
        whole["messages"] = file["messages"].clone();
        whole["extra"] = file["extra"].clone();
        (format!("{template:?}"), template, whole)
    });
    check_all(cases, 85);
}

#[test]
fn the_comparison_can_fail() {
    let case = |expected: &str| serde_json::json!({"messages": [], "expected": expected});
    assert!(compare("a{{ 1 }}", &case("a1")).is_ok());
    assert!(compare("a{{ 1 }}", &case("a2")).is_err());
    assert!(compare("{{ raise_exception('x') }}", &case("")).is_err());
    assert!(compare("fine", &serde_json::json!({"messages": []})).is_err());
}

#[test]
fn errors_are_typed() {
    let case = serde_json::json!({"messages": []});
    let refused = render(
        "{% macro f() %}{{ raise_exception('no ' ~ 'way') }}{% endmacro %}{{ f() }}",
        &case,
    );
    assert_eq!(
        refused,
        Err(Error::TemplateRefused {
            message: "no way".into()
        })
    );
    for (template, part) in [
        ("one\n{% if %}", "line 2"),
        ("\n\n{{ messages[0].role.deeper }}", "line 3"),
        ("{{ 1 | nope }}", "nope"),
        ("{% for %}", "line 1"),
        ("{% include 'x' %}", "x"),
        ("{{ 'a", "line 1"),
    ] {
        match render(template, &case) {
            Err(Error::Template { message }) => assert!(message.contains(part), "{template}: {message}"),
            other => panic!("{template}: {other:?}"),
        }
    }
}

/// A template from the net may try to use up time, memory or the stack: it gets an error, soon.
#[test]
fn hostile_templates_end() {
    let nested_with: String = (0..60).map(|_| "{% with s = s ~ s %}").collect();
    let deep = |open: &str, close: &str| format!("{{{{ {}1{} }}}}", open.repeat(5000), close.repeat(5000));
    let hostile = [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}".to_owned(),
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}".into(),
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}".into(),
        "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}".into(),
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s.replace('x', 'xx') %}{% endfor %}".into(),
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s | replace('x', 'xx') %}{% endfor %}".into(),
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}".into(),
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}".into(),
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}".into(),
        "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}".into(),
        "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}".into(),
        "{% set ns = namespace(s=[]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}".into(),
        "{% set ns = namespace(s=1) %}{% for i in range(99999) %}{% set ns.s = namespace(s=ns.s) %}{% endfor %}".into(),
        "{% set ns = namespace(s=1) %}{% for i in range(99999) %}{% set ns.s = {'a': ns.s} %}{% endfor %}".into(),
        "{% set n = 3000000000 %}{% set s = 'x' * n %}".into(),
        "{% set n = 3000000000 %}{% set s = [1] * n %}".into(),
        "{% set n = 3000000000 %}{{ 'x'.ljust(n) }}".into(),
        "{% set n = 900000000 %}{{ '%900000000d' | format(1) }}{{ 'x'.center(n) }}".into(),
        "{% set s = 'x' %}".to_owned() + &nested_with,
        "{% macro f(s) %}{{ f(s ~ s) }}{% endmacro %}{{ f('x') }}".into(),
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".into(),
        format!("{{% for i in range(99999) %}}{}{{% endfor %}}", "x".repeat(100_000)),
        deep("[", "]"),
        deep("(", ")"),
        "{% if 1 %}".repeat(5000),
        "x".repeat(2 << 20),
    ];
    let case = serde_json::json!({"messages": []});
    for template in hostile {
        let begin = std::time::Instant::now();
        let got = render(&template, &case);
        let name: String = template.chars().take(100).collect();
        assert!(
            matches!(got, Err(Error::Template { .. })),
            "{name}: {:?}",
            got.map(|s| s.len())
        );
        assert!(begin.elapsed().as_secs() < 20, "{name} took {:?}", begin.elapsed());
    }
}
