//! Every finding, by a set that has it and one that has not; and what findings stop.

use kinglet_route::calibrate::{Row, Selected};
use kinglet_route::evaluate;
use kinglet_route::lint::{Expected, Severity, Stops, admit, lint};
use kinglet_route::profile::{LabelSource, Target};

use super::support::signals;

/// A set without fault: 400 rows, 20 % wrong, four classes.
fn good() -> Vec<Row> {
    (0..400)
        .map(|i| Row {
            id: i.to_string(),
            group: Some("all".into()),
            signals: Some(signals(0.3)),
            local_ok: Some(i % 5 != 0),
            label_source: Some(LabelSource::Human),
            class: Some(["a", "b", "c", "d"][i % 4].to_string()),
            text_digest: Some(format!("digest {i}")),
            time: Some(i as f64),
            selected: Some(Selected::All),
            ..Row::default()
        })
        .collect()
}

fn expected() -> Expected {
    Expected {
        classes: ["a", "b", "c", "d"].map(String::from).to_vec(),
        features: vec!["label_margin".into()],
        target: None,
    }
}

fn codes(rows: &[Row]) -> Vec<String> {
    lint(rows, &expected()).into_iter().map(|f| f.code).collect()
}

#[test]
fn every_finding_is_found_and_nothing_else() {
    assert_eq!(codes(&good()), [""; 0]);
    type Change = fn(&mut Vec<Row>);
    let cases: [(&[&str], Change); 19] = [
        (&["too_few"], |rows| rows.truncate(200)),
        (&["no_labels"], |rows| rows.iter_mut().for_each(|r| r.local_ok = None)),
        (&["unlabelled"], |rows| rows[3].local_ok = None),
        (&["duplicate_id"], |rows| rows[3].id = "4".into()),
        (&["missing_id"], |rows| rows[3].id.clear()),
        (&["duplicate_text"], |rows| {
            rows[3].text_digest = Some("digest 4".into())
        }),
        (&["class_missing"], |rows| {
            rows.iter_mut().for_each(|r| r.class = Some("a".into()))
        }),
        (&["class_rare"], |rows| rows[0].class = Some("e".into())),
        (&["group_small"], |rows| rows[0].group = Some("few".into())),
        (&["label_origin_unknown"], |rows| {
            rows.iter_mut().for_each(|r| r.label_source = None)
        }),
        (&["label_remote_agreement"], |rows| {
            rows.iter_mut()
                .for_each(|r| r.label_source = Some(LabelSource::RemoteAgreement));
        }),
        (&["label_origin_mixed"], |rows| {
            rows[0].label_source = Some(LabelSource::Exact)
        }),
        (&["one_sided", "error_share"], |rows| {
            rows.iter_mut().for_each(|r| r.local_ok = Some(true))
        }),
        (&["error_share"], |rows| {
            (0..400).for_each(|i| rows[i].local_ok = Some(i % 5 == 0));
        }),
        (&["selected_kept"], |rows| rows[0].selected = Some(Selected::Kept)),
        (&["selected_feedback"], |rows| {
            rows[0].selected = Some(Selected::Feedback)
        }),
        (&["no_signals"], |rows| rows[0].signals = None),
        (&["signal_missing"], |rows| {
            rows[..100]
                .iter_mut()
                .for_each(|r| r.signals = Some(kinglet_route::Signals::default()));
        }),
        (&["drifting"], |rows| {
            (0..400).for_each(|i| rows[i].local_ok = Some(i < 200 || i % 3 != 0));
        }),
    ];
    for (expected, change) in cases {
        let mut rows = good();
        change(&mut rows);
        assert_eq!(codes(&rows), expected);
    }
    let unknown = Expected {
        features: vec!["mood".into()],
        ..expected()
    };
    let findings = lint(&good(), &unknown);
    assert_eq!(
        (findings[0].code.as_str(), findings[0].severity),
        ("feature_unknown", Severity::Stop)
    );
    assert_eq!(lint(&[], &Expected::default()).len(), 1);
}

/// What the reader of `kinglet route` reads comes to the lint, and nothing is made of a set that stops, unless the caller says
/// so: then the notes do, too.
#[test]
fn what_stops_is_refused_or_stands_in_the_notes() {
    let line = |i: usize, more: &str| {
        format!(
            r#"{{"id": {i}, "task": "t", "local_ok": {}, "score": 0.5, "label_source": "human"{more}}}"#,
            !i.is_multiple_of(5)
        )
    };
    let read = |more: &dyn Fn(usize) -> String| -> Vec<Row> {
        let lines: Vec<String> = (0..400).map(|i| line(i, &more(i))).collect();
        let rows = evaluate::read(&lines.join("\n")).unwrap();
        rows.iter().map(evaluate::Row::labelled).collect()
    };
    let look = |rows: &[Row], expected: &Expected| lint(rows, expected);
    let codes =
        |rows: &[Row]| -> Vec<String> { look(rows, &Expected::default()).into_iter().map(|f| f.code).collect() };
    // As a page's collection writes them, with texts.
    let plain = read(&|i| format!(r#", "selected": "all", "time": {i}, "texts": {{"input": "x", "output": "y"}}"#));
    assert_eq!(codes(&plain), [""; 0]);
    assert_eq!((plain[7].time, plain[7].selected), (Some(7.0), Some(Selected::All)));
    assert_eq!(
        admit(&look(&plain, &Expected::default()), Stops::Refuse).unwrap(),
        [""; 0]
    );
    let complaints = read(&|_| r#", "selected": "feedback""#.into());
    assert_eq!(codes(&complaints), ["selected_feedback"]);
    let findings = look(&complaints, &Expected::default());
    let error = admit(&findings, Stops::Refuse).unwrap_err().to_json();
    assert_eq!(
        (error["code"].as_str(), error["detail"]["got"].as_str()),
        (Some("invalid_request"), Some("selected_feedback"))
    );
    let notes = admit(&findings, Stops::Note).unwrap();
    assert!(
        notes.len() == 1 && notes[0].starts_with("despite the lint, selected_feedback (400 rows): "),
        "{notes:?}"
    );
    // Errors that come and go with the time.
    let drifting = read(&|i| format!(r#", "time": {}"#, if i % 5 == 0 { i / 2 } else { i }));
    assert_eq!(codes(&drifting), ["drifting"]);
    for bad in [
        r#", "texts": "x""#,
        r#", "time": "now""#,
        r#", "time": 1e999"#,
        r#", "selected": "some""#,
    ] {
        assert_eq!(
            evaluate::read(&line(1, bad)).unwrap_err().code(),
            "invalid_request",
            "{bad}"
        );
    }
    // A rate takes no labels, and a score that is there needs none of either side.
    let mut bare = good();
    bare.iter_mut().for_each(|r| r.local_ok = None);
    let rate = Expected {
        target: Some(Target::EscalationRate { rate: 0.1 }),
        ..Expected::default()
    };
    assert!(admit(&look(&bare, &rate), Stops::Refuse).is_ok());
    assert!(admit(&look(&bare, &Expected::default()), Stops::Refuse).is_err());
    bare.iter_mut().for_each(|r| r.local_ok = Some(true));
    assert!(admit(&look(&bare, &Expected::default()), Stops::Refuse).is_ok());
    assert!(
        admit(&look(&bare, &expected()), Stops::Refuse).is_err(),
        "a score is to be fitted"
    );
    // A name in a finding may be long; a note is not.
    let mut twins = good();
    twins.iter_mut().for_each(|r| r.id = "ä".repeat(500));
    let notes = admit(&look(&twins, &expected()), Stops::Note).unwrap();
    assert!(notes.iter().all(|note| note.len() <= 1000) && !notes.is_empty());
}
