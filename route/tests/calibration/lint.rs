//! Every finding, by a set that has it and one that has not; and the collection of feedback.

use kinglet_route::calibrate::{Row, Selected};
use kinglet_route::day0::{Collection, ENOUGH, MOST};
use kinglet_route::lint::{Expected, Severity, lint};
use kinglet_route::profile::LabelSource;

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

#[test]
fn feedback_collects_until_it_is_enough() {
    let mut collection = Collection::default();
    let said = |id: usize, ok: bool| Row {
        id: id.to_string(),
        local_ok: Some(ok),
        ..Row::default()
    };
    for i in 0..ENOUGH - 1 {
        collection.add(said(i, true)).unwrap();
    }
    assert_eq!(
        (collection.progress().as_str(), collection.is_enough()),
        ("299 of 300", false)
    );
    collection.add(said(7, false)).unwrap(); // another word on the same answer
    assert_eq!(collection.progress(), "299 of 300");
    collection.add(said(299, true)).unwrap();
    assert!(collection.is_enough());
    assert!(codes(&collection.rows).contains(&"selected_feedback".to_string()));
    let text = serde_json::to_string(&collection).unwrap();
    assert_eq!(Collection::from_json(&text).unwrap(), collection);
    for i in 0..MOST + 10 {
        collection.add(said(i, true)).unwrap();
    }
    assert_eq!((collection.rows.len(), collection.rows[0].id.as_str()), (MOST, "10"));
    for bad in [
        Row::default(),
        Row {
            id: "x".into(),
            ..Row::default()
        },
        Row {
            score: Some(f64::NAN),
            ..said(1, true)
        },
    ] {
        assert_eq!(collection.add(bad).unwrap_err().code(), "invalid_request");
    }
    for text in ["{\"rows\": [{\"mood\": 1}]}", "{\"rows\": [{\"id\": 1}]}", "[", ""] {
        assert!(Collection::from_json(text).is_err());
    }
}
