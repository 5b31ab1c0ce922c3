//! The planner against its published table, and at its edges.

use super::*;

fn exact(local: f64, auroc: f64) -> Inputs {
    Inputs {
        local: Range::exactly(local),
        remote: Range::exactly(0.92),
        auroc: Range::exactly(auroc),
        repairs: Range::exactly(0.75),
        keep: 0.97,
        limit: 1.0,
    }
}

fn escalation(inputs: &Inputs) -> f64 {
    match plan(inputs).unwrap() {
        Plan::Holds { best, worst } => {
            assert_eq!(best, worst);
            worst.escalation
        }
        other => panic!("{other:?}"),
    }
}

/// The table of the design (section C.7): rows are local accuracies, columns AUROCs .60 .70 .80 .85 .90 .95.
#[test]
fn the_published_table() {
    let aurocs = [0.60, 0.70, 0.80, 0.85, 0.90, 0.95];
    let table = [
        (0.65, [0.88, 0.81, 0.71, 0.64, 0.55, 0.44]),
        (0.70, [0.81, 0.72, 0.59, 0.51, 0.42, 0.33]),
        (0.75, [0.75, 0.62, 0.46, 0.38, 0.30, 0.23]),
        (0.80, [0.64, 0.47, 0.31, 0.24, 0.18, 0.14]),
        (0.85, [0.40, 0.23, 0.13, 0.09, 0.07, 0.06]),
        (0.88, [0.13, 0.06, 0.03, 0.02, 0.02, 0.02]),
    ];
    for (local, row) in table {
        for (auroc, expect) in aurocs.into_iter().zip(row) {
            let got = escalation(&exact(local, auroc));
            assert!(
                (got - expect).abs() <= 0.01,
                "{local} {auroc}: {got}, expected {expect}"
            );
        }
    }
    // A neighbouring rule does not pass for it: other numbers for the remote model leave the table.
    let other = Inputs {
        repairs: Range::exactly(0.65),
        ..exact(0.75, 0.85)
    };
    assert!((escalation(&other) - 0.38).abs() > 0.02);
}

/// The escalation found is that of a million items drawn from the model.
#[test]
fn a_simulation_agrees() {
    let (case, wanted) = (
        Case {
            local: 0.75,
            remote: 0.92,
            auroc: 0.85,
            repairs: 0.75,
        },
        0.97 * 0.92,
    );
    let d = std::f64::consts::SQRT_2 * quantile(0.85).unwrap();
    let mut random = crate::measure::SplitMix64::new(11);
    let (mut scores, mut outcomes) = (Vec::new(), Vec::new());
    for _ in 0..200_000 {
        let local = random.unit() < case.local;
        let remote = random.unit() < if local { case.keeps() } else { case.repairs };
        let noise = quantile(random.unit().max(1e-12)).unwrap();
        scores.push(if local { noise } else { noise + d });
        outcomes.push(crate::measure::Outcome { local, remote });
    }
    let ranking = crate::measure::Ranking::new(&scores).unwrap();
    let curve = crate::measure::Deferral::of(&ranking, &outcomes, &crate::measure::Sample::all(scores.len()));
    let share = curve.share_for(wanted).unwrap();
    // Quality has a standard error of .0007 here, and the slope of the curve at this place is about .3.
    assert!((share - escalation(&exact(0.75, 0.85))).abs() < 0.015, "{share}");
}

#[test]
fn better_numbers_need_less() {
    for (a, b) in [(exact(0.7, 0.8), exact(0.75, 0.8)), (exact(0.7, 0.8), exact(0.7, 0.85))] {
        assert!(escalation(&a) > escalation(&b));
    }
    let modest = Inputs {
        keep: 0.95,
        ..exact(0.7, 0.8)
    };
    assert!(escalation(&modest) < escalation(&exact(0.7, 0.8)));
}

#[test]
fn perfect_doubt_is_the_bound() {
    // Wanted .8924, at hand .7: of the wrong ones three quarters are repaired.
    let perfect = escalation(&exact(0.7, 1.0));
    assert!((perfect - 0.1924 / 0.75).abs() < 1e-12);
    assert!((escalation(&exact(0.7, 0.999_999)) - perfect).abs() < 1e-3);
    // Doubt that knows nothing: a straight line from .7 to the remote model's .92, less what is cut off.
    let Plan::Holds { worst, .. } = plan(&exact(0.7, 0.5)).unwrap() else {
        panic!()
    };
    assert!((worst.escalation - 0.1924 / 0.22).abs() < 1e-9, "{worst:?}");
    assert!((worst.oracle - 0.1924).abs() < 1e-12);
}

#[test]
fn a_target_met_already_needs_nothing() {
    let Plan::Holds { worst, .. } = plan(&exact(0.9, 0.6)).unwrap() else {
        panic!()
    };
    assert_eq!((worst.escalation, worst.oracle, worst.quality), (0.0, 0.0, 0.9));
}

/// 10 to 15 % escalation with a local model of 70 %: not at AUROC .85, and the answer says what there is instead.
#[test]
fn what_the_numbers_exclude_is_not_promised() {
    let promise = Inputs {
        limit: 0.15,
        ..exact(0.70, 0.85)
    };
    let Plan::Excluded {
        best_quality,
        at,
        wanted,
        needs,
    } = plan(&promise).unwrap()
    else {
        panic!()
    };
    assert!((at - 0.15).abs() < 1e-9 && best_quality < 0.81 && wanted > 0.89);
    assert!((needs.unwrap() - 0.51).abs() < 0.01);
    // A remote model that repairs too little: no escalation does it.
    let hopeless = Inputs {
        repairs: Range::exactly(0.3),
        remote: Range::exactly(0.95),
        ..exact(0.6, 0.9)
    };
    assert!(matches!(plan(&hopeless).unwrap(), Plan::Excluded { needs: None, .. }));
}

#[test]
fn intervals_are_honoured() {
    let mut inputs = Inputs {
        limit: 0.3,
        ..exact(0.8, 0.85)
    };
    assert!(matches!(plan(&inputs).unwrap(), Plan::Holds { .. }));
    inputs.local = Range { low: 0.75, high: 0.85 };
    let Plan::Open {
        best,
        worst_quality,
        wanted,
    } = plan(&inputs).unwrap()
    else {
        panic!()
    };
    assert!(best.escalation < 0.15 && worst_quality < wanted);
    inputs.limit = 0.4;
    let Plan::Holds { best, worst } = plan(&inputs).unwrap() else {
        panic!()
    };
    assert!((worst.escalation - escalation(&exact(0.75, 0.85))).abs() < 1e-12);
    assert!((best.escalation - escalation(&exact(0.85, 0.85))).abs() < 1e-12);
}

#[test]
fn hostile_numbers_are_refused() {
    let good = exact(0.8, 0.8);
    for (bad, name) in [
        (
            Inputs {
                local: Range::exactly(f64::NAN),
                ..good
            },
            "local",
        ),
        (
            Inputs {
                auroc: Range::exactly(0.4),
                ..good
            },
            "auroc",
        ),
        (
            Inputs {
                remote: Range { low: 0.9, high: 0.8 },
                ..good
            },
            "remote",
        ),
        (
            Inputs {
                repairs: Range::exactly(f64::INFINITY),
                ..good
            },
            "repairs",
        ),
        (Inputs { keep: 1.5, ..good }, "keep"),
        (Inputs { limit: -0.1, ..good }, "limit"),
    ] {
        assert!(plan(&bad).unwrap_err().to_string().starts_with(name));
    }
    // The ends of every range have an answer.
    for x in [0.0, 1.0] {
        for auroc in [0.5, 1.0] {
            let edge = Range::exactly(x);
            let inputs = Inputs {
                local: edge,
                remote: edge,
                repairs: edge,
                auroc: Range::exactly(auroc),
                keep: x,
                limit: x,
            };
            assert!(plan(&inputs).is_ok());
        }
    }
}
