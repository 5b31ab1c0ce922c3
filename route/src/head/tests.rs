//! The head against scikit-learn, against itself, and against what it should refuse.

use serde_json::Value;

use super::solve::solve;
use super::*;

/// tools/head_cases.py writes it.
const CASES: &str = include_str!("../../../tests/cases/head.json");

/// What is fitted to the second of them.
const FITTED: &str = include_str!("../../../tests/cases/head_fitted.json");

struct Case {
    c: f64,
    dimensions: usize,
    labels: Vec<u32>,
    states: Vec<f32>,
    probabilities: Vec<Vec<f64>>,
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}

fn cases() -> Vec<Case> {
    let all: Vec<Value> = serde_json::from_str(CASES).expect("cases");
    let read = |case: &Value| Case {
        c: case["c"].as_f64().expect("c"),
        dimensions: case["dimensions"].as_u64().expect("dimensions") as usize,
        labels: numbers(&case["labels"]).iter().map(|&l| l as u32).collect(),
        states: numbers(&case["states"]).iter().map(|&s| s as f32).collect(),
        probabilities: case["probabilities"]
            .as_array()
            .expect("rows")
            .iter()
            .map(numbers)
            .collect(),
    };
    all.iter().map(read).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("label {i}")).collect()
}

fn fitted(case: &Case, tolerance: f64) -> Head {
    let examples = Examples {
        states: &case.states,
        dimensions: case.dimensions,
        labels: &case.labels,
    };
    let options = FitOptions {
        c: case.c,
        tolerance,
        max_steps: 1000,
    };
    let count = case.probabilities[0].len();
    fit(&examples, &names(count), &HeadBinding::default(), &options).expect("a head")
}

/// Numbers from 0 to 1, the same everywhere.
fn random(state: &mut u64) -> f32 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u64 << 24) as f32
}

/// Made-up states around one centre for each label.
fn made_up(labels: usize, each: usize, dimensions: usize, spread: f32, seed: u64) -> (Vec<f32>, Vec<u32>) {
    let mut rng = seed;
    let centres: Vec<f32> = (0..labels * dimensions).map(|_| random(&mut rng) - 0.5).collect();
    let (mut states, mut given) = (Vec::new(), Vec::new());
    for i in 0..labels * each {
        let label = i % labels;
        given.push(label as u32);
        let centre = &centres[label * dimensions..(label + 1) * dimensions];
        states.extend(centre.iter().map(|c| c + spread * (random(&mut rng) - 0.5)));
    }
    (states, given)
}

fn accuracy(head: &Head, states: &[f32], labels: &[u32]) -> f64 {
    let right = states.chunks_exact(head.dimensions()).zip(labels);
    let right = right.filter(|(state, label)| head.predict(state).expect("a prediction").best == **label as usize);
    right.count() as f64 / labels.len() as f64
}

/// The largest distance between two sets of probabilities.
fn distance(case: &Case, of: impl Fn(usize) -> Vec<f64>) -> f64 {
    let rows = case.probabilities.iter().enumerate();
    rows.flat_map(|(i, row)| {
        let ours = of(i);
        row.iter().zip(ours).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
    })
    .fold(0.0, f64::max)
}

#[test]
fn the_minimum_is_that_of_scikit_learn() {
    for case in cases() {
        let (n, d, k) = (case.labels.len(), case.dimensions, case.probabilities[0].len());
        let mut features: Vec<f64> = case.states.iter().map(|&x| f64::from(x)).collect();
        for j in 0..d {
            let column: Vec<f64> = (0..n).map(|i| features[i * d + j]).collect();
            let mean = column.iter().sum::<f64>() / n as f64;
            let deviation = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
            let deviation = if deviation < 1e-9 { 1.0 } else { deviation };
            (0..n).for_each(|i| features[i * d + j] = (features[i * d + j] - mean) / deviation);
        }
        let targets: Vec<usize> = case.labels.iter().map(|&l| l as usize).collect();
        let far = |c: f64| {
            let options = FitOptions {
                c,
                tolerance: 1e-11,
                max_steps: 1000,
            };
            let found = solve(&features, &targets, k, &options);
            distance(&case, |i| {
                let logit = |l: usize| {
                    found.bias[l]
                        + (0..d)
                            .map(|j| features[i * d + j] * found.weights[j * k + l])
                            .sum::<f64>()
                };
                let shares: Vec<f64> = (0..k).map(|l| logit(l).exp()).collect();
                let total: f64 = shares.iter().sum();
                shares.iter().map(|s| s / total).collect()
            })
        };
        assert!(far(case.c) < 1e-6, "{}", far(case.c));
        assert!(far(case.c * 1.01) > 1e-5, "another ridge would be noticed");
    }
}

#[test]
fn eight_bits_are_enough() {
    for case in cases() {
        let head = fitted(&case, 1e-9);
        let state = |i: usize| &case.states[i * case.dimensions..(i + 1) * case.dimensions];
        let far = distance(&case, |i| head.predict(state(i)).expect("a prediction").probabilities);
        assert!(far < 0.02, "{far}");
        for i in 0..case.labels.len() {
            let found = head.predict(state(i)).expect("a prediction");
            assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert_eq!(found.max, found.probabilities[found.best]);
            assert!((0.0..=found.max).contains(&found.margin));
        }
    }
}

#[test]
fn neither_the_order_of_the_examples_nor_of_the_labels_matters() {
    let case = &cases()[1];
    let head = fitted(case, 1e-7);
    let n = case.labels.len();
    // 5 and 63 have no common divisor, so this visits every example once.
    let order: Vec<usize> = (0..n).map(|i| (i * 5 + 2) % n).collect();
    let shuffled = Case {
        labels: order.iter().map(|&i| case.labels[i]).collect(),
        states: order
            .iter()
            .flat_map(|&i| case.states[i * case.dimensions..(i + 1) * case.dimensions].to_vec())
            .collect(),
        probabilities: case.probabilities.clone(),
        ..*case
    };
    assert_eq!(fitted(&shuffled, 1e-7), head, "to the last bit");
    let turned = Case {
        labels: case.labels.iter().map(|l| 6 - l).collect(),
        states: case.states.clone(),
        probabilities: case.probabilities.clone(),
        ..*case
    };
    let other = fitted(&turned, 1e-7);
    for state in case.states.chunks_exact(case.dimensions) {
        let (a, b) = (head.predict(state).expect("one"), other.predict(state).expect("one"));
        assert_eq!(a.best, 6 - b.best);
        assert!((a.max - b.max).abs() < 1e-3, "{} {}", a.max, b.max);
    }
}

#[test]
fn a_fitted_head_has_the_same_bits_everywhere() {
    let case = &cases()[1];
    let examples = Examples {
        states: &case.states,
        dimensions: case.dimensions,
        labels: &case.labels,
    };
    let options = FitOptions {
        c: case.c,
        ..FitOptions::default()
    };
    let head = fit(&examples, &names(7), &HeadBinding::default(), &options).expect("a head");
    // tests/web/task-calls.test.mjs holds the Wasm module to the same line.
    assert_eq!(head.to_json().expect("JSON"), FITTED.trim_end());
}

#[test]
fn a_stored_head_is_the_same_head_and_small() {
    let (states, labels) = made_up(150, 2, 256, 0.3, 1);
    let examples = Examples {
        states: &states,
        dimensions: 256,
        labels: &labels,
    };
    let head = fit(&examples, &names(150), &HeadBinding::default(), &FitOptions::default()).expect("a head");
    let text = head.to_json().expect("JSON");
    assert!(text.len() < 60_000, "{} bytes", text.len());
    assert_eq!(Head::from_json(&text).expect("a head"), head);
    let case = &cases()[0];
    let small = fitted(case, 1e-5).to_json().expect("JSON");
    assert!(small.len() < 600, "{} bytes", small.len());
}

#[test]
fn wide_states_are_sketched_and_still_told_apart() {
    let (states, labels) = made_up(12, 20, 3072, 2.0, 7);
    let (train, test) = states.split_at(states.len() / 2);
    let (known, new) = labels.split_at(labels.len() / 2);
    let examples = Examples {
        states: train,
        dimensions: 3072,
        labels: known,
    };
    let head = fit(&examples, &names(12), &HeadBinding::default(), &FitOptions::default()).expect("a head");
    assert!(accuracy(&head, test, new) > 0.95, "{}", accuracy(&head, test, new));
    assert_eq!(head.weights.len(), 12 * MOST_USED);
    let swapped: Vec<u32> = new.iter().map(|l| (l + 1) % 12).collect();
    assert!(accuracy(&head, test, &swapped) < 0.1, "wrong labels are noticed");
}

#[test]
fn values_that_never_vary_and_examples_that_repeat_are_fine() {
    let states = [1.0, 5.0, 1.0, 5.0, 2.0, 5.0, 2.0, 5.0f32];
    let examples = Examples {
        states: &states,
        dimensions: 2,
        labels: &[0, 0, 1, 1],
    };
    let head = fit(&examples, &names(2), &HeadBinding::default(), &FitOptions::default()).expect("a head");
    assert_eq!(head.predict(&[1.0, 5.0]).expect("one").best, 0);
    assert_eq!(head.predict(&[2.0, 5.0]).expect("one").best, 1);
    let far = head.predict(&[f32::MAX, -f32::MAX]).expect("one");
    assert!(far.max.is_finite() && far.margin.is_finite());
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let options = FitOptions::default();
    let param = |e: RouteError| e.to_json()["detail"]["param"].as_str().unwrap_or_default().to_owned();
    let states = [0.0, 1.0, 2.0, f32::NAN];
    for (states, dimensions, labels, count, expected) in [
        (&states[..2], 1, &[0, 1][..], 1, "labels"),
        (&states[..2], 1, &[0, 2], 2, "labels[1]"),
        (&states[..2], 1, &[0, 0], 2, "examples"),
        (&states[..3], 1, &[0, 1], 2, "states"),
        (&states[2..], 1, &[0, 1], 2, "states[1][0]"),
        (&states[..0], 1, &[], 2, "examples"),
        (&states[..2], 0, &[0, 1], 2, "dimensions"),
        (&states[..2], MAX_DIMENSIONS + 1, &[0, 1], 2, "dimensions"),
    ] {
        let examples = Examples {
            states,
            dimensions,
            labels,
        };
        let error = fit(&examples, &names(count), &HeadBinding::default(), &options).expect_err(expected);
        assert_eq!(param(error), expected);
    }
    let examples = Examples {
        states: &states[..2],
        dimensions: 1,
        labels: &[0, 1],
    };
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = fit(
            &examples,
            &names(2),
            &HeadBinding::default(),
            &FitOptions { c, ..options },
        );
        assert_eq!(param(error.expect_err("c")), "options.c");
    }
    let head = fit(&examples, &names(2), &HeadBinding::default(), &options).expect("a head");
    assert_eq!(param(head.predict(&[]).expect_err("short")), "state");
    assert_eq!(param(head.predict(&[f32::INFINITY]).expect_err("infinite")), "state[0]");
}

#[test]
fn hostile_json_is_refused_and_never_more() {
    let good: Value = {
        let text = fitted(&cases()[0], 1e-5).to_json().expect("JSON");
        serde_json::from_str(&text).expect("JSON")
    };
    let nan = pack::from_floats(&[f32::NAN; 6]);
    let zero = pack::from_floats(&[0.0; 6]);
    for (name, value) in [
        ("schema_version", Value::from(2)),
        ("labels", Value::from(vec!["a"])),
        ("labels", Value::from(vec!["a", "a", "b"])),
        ("labels", Value::from(vec!["a", "", "b"])),
        ("examples", Value::from(vec![1])),
        ("mean", Value::from("")),
        ("mean", Value::from("AA=")),
        ("mean", Value::from("AAA=")),
        ("mean", Value::from("A===")),
        ("mean", Value::from("$$$$")),
        ("mean", Value::from(nan)),
        ("scale", Value::from(zero)),
        ("weights", Value::from("AAAA")),
        ("steps", Value::from("AAAAAA==")),
        ("bias", Value::Null),
        ("more", Value::from(1)),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(Head::from_json(&bad.to_string()).is_err(), "{name} {}", bad[name]);
    }
    assert!(Head::from_json(&good.to_string()).is_ok());
    for text in ["", "[]", "{", "null", &"[".repeat(100_000)] {
        assert!(Head::from_json(text).is_err());
    }
    // Every byte of a stored head, one after the other, is another one: it is refused, or another head that still works.
    let text = good.to_string().into_bytes();
    for i in 0..text.len() {
        let mut other = text.clone();
        other[i] = b"0A\"}~"[i % 5];
        if let Some(head) = String::from_utf8(other)
            .ok()
            .and_then(|text| Head::from_json(&text).ok())
        {
            let found = head.predict(&vec![1.0; head.dimensions()]).expect("a prediction");
            assert!(found.best < head.labels.len());
        }
    }
}

#[test]
fn another_model_refuses_the_head() {
    let binding = HeadBinding {
        model_hash: "a".into(),
        quantization: "Q6_K".into(),
        tokenizer_hash: "t".into(),
        state: "mean".into(),
    };
    assert_eq!(binding.check(&binding), Ok(()));
    let other = HeadBinding {
        tokenizer_hash: "u".into(),
        ..binding.clone()
    };
    let error = binding.check(&other).expect_err("another");
    assert_eq!(
        (error.code(), &error.to_json()["detail"]["field"]),
        ("profile_mismatch", &Value::from("tokenizer_hash"))
    );
}
