//! The accumulator against the same statistics, computed naively from all tokens.

use super::*;

/// Numbers of a linear congruential generator in [0, 1).
struct Numbers(u64);

impl Numbers {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn tokens(n: usize, seed: u64) -> Vec<Measured> {
    let mut r = Numbers(seed);
    let token = |_| {
        let forced = r.unit() < 0.2;
        Measured {
            token: (r.unit() * 9.0) as u32,
            // Most are sure, some are not: what answers look like.
            logprob: -(r.unit().powi(6) * 20.0 + 1e-7),
            margin: Some(r.unit() * 10.0),
            entropy: Some(r.unit() * 3.0),
            kept: Some(-r.unit()),
            freedom: if forced { Freedom::Forced } else { Freedom::Free },
            place: if r.unit() < 0.3 { Place::Value } else { Place::Plain },
        }
    };
    (0..n).map(token).collect()
}

fn gauge(tokens: &[Measured]) -> Gauge {
    let mut gauge = Gauge::new(Origin::Measured);
    tokens.iter().for_each(|t| gauge.push(t).expect("numbers"));
    gauge
}

fn near(what: &str, got: Option<f64>, want: f64) {
    let got = got.unwrap_or(f64::NAN);
    assert!(
        (got - want).abs() <= 1e-9 * want.abs().max(1.0),
        "{what}: {got} for {want}"
    );
}

fn least(x: impl Iterator<Item = f64>) -> f64 {
    x.fold(f64::INFINITY, f64::min)
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

#[test]
fn statistics_are_those_of_all_tokens() {
    for (n, seed) in [(2, 1), (15, 2), (16, 3), (17, 4), (300, 5), (100_000, 6)] {
        let all = tokens(n, seed);
        let s = gauge(&all).signals();
        let counted: Vec<&Measured> = all.iter().filter(|t| t.freedom == Freedom::Free).collect();
        let l: Vec<f64> = counted.iter().map(|t| t.logprob).collect();
        let m: Vec<f64> = counted.iter().filter_map(|t| t.margin).collect();
        let e: Vec<f64> = counted.iter().filter_map(|t| t.entropy).collect();
        assert_eq!(s.tokens as usize, l.len());
        assert_eq!(s.forced_tokens, Some((n - l.len()) as u32));
        near("mean", s.mean_logprob, mean(&l));
        near("min", s.min_logprob, least(l.iter().copied()));
        near("first", s.first_logprob, l[0]);
        near(
            "window",
            s.window_logprob,
            least(l.windows(WINDOW.min(l.len())).map(mean)),
        );
        near("mean margin", s.mean_margin, mean(&m));
        near("min margin", s.min_margin, least(m.iter().copied()));
        near("first margin", s.first_margin, m[0]);
        near("mean entropy", s.mean_entropy, mean(&e));
        near("max entropy", s.max_entropy, -least(e.iter().map(|e| -e)));
        near(
            "pressure",
            s.grammar_pressure,
            all.iter().filter_map(|t| t.kept).map(|k| -k).sum(),
        );
        let anchors: Vec<&&Measured> = counted.iter().filter(|t| t.place == Place::Value).collect();
        if !anchors.is_empty() {
            near("anchor", s.anchor_logprob, least(anchors.iter().map(|t| t.logprob)));
            near(
                "anchor margin",
                s.anchor_margin,
                least(anchors.iter().filter_map(|t| t.margin)),
            );
        }
        let mut sorted = l.clone();
        sorted.sort_by(f64::total_cmp);
        for (q, got) in [
            (0.05, s.q05_logprob),
            (0.1, s.q10_logprob),
            (0.25, s.q25_logprob),
            (0.5, s.q50_logprob),
        ] {
            // The surprisal that a share 1 - q does not exceed.
            let rank = ((1.0 - q) * l.len() as f64 - 1e-9).ceil().max(1.0) as usize;
            let (got, want) = (-got.expect("tokens"), -sorted[l.len() - rank]);
            let within = got <= want * 1.27 && got >= want / 1.27 || (got - want).abs() <= 6.2e-5;
            assert!(within, "{n}: {q} quantile {got} for {want}");
        }
    }
}

#[test]
fn one_token_is_its_own_every_quantile() {
    let s = gauge(&[Measured {
        logprob: -0.7,
        ..Measured::default()
    }])
    .signals();
    for got in [
        s.mean_logprob,
        s.min_logprob,
        s.first_logprob,
        s.q05_logprob,
        s.q50_logprob,
        s.window_logprob,
    ] {
        assert_eq!(got, Some(-0.7));
    }
    let absent = [
        s.mean_margin,
        s.max_entropy,
        s.grammar_pressure,
        s.anchor_logprob,
        s.repetition,
    ];
    assert_eq!(absent, [None; 5]);
    assert_eq!((s.tokens, s.forced_tokens, s.version), (1, None, SIGNAL_VERSION));
}

#[test]
fn nothing_says_nothing() {
    let s = Gauge::new(Origin::Reported).signals();
    let want = Signals {
        version: SIGNAL_VERSION,
        origin: Origin::Reported,
        ..Signals::default()
    };
    assert_eq!(s, want);
}

#[test]
fn what_was_not_measured_everywhere_is_absent() {
    let with = Measured {
        logprob: -1.0,
        margin: Some(2.0),
        entropy: Some(0.5),
        place: Place::Value,
        ..Measured::default()
    };
    let without = Measured {
        margin: None,
        entropy: None,
        ..with
    };
    let s = gauge(&[with, without]).signals();
    assert_eq!((s.mean_margin, s.mean_entropy, s.anchor_margin), (None, None, None));
    assert_eq!(s.anchor_logprob, Some(-1.0));
}

#[test]
fn the_impossible_has_a_number_and_no_number_is_refused() {
    let logprob = |logprob| Measured {
        logprob,
        ..Measured::default()
    };
    for impossible in [f64::NEG_INFINITY, -9999.0, LEAST_LOGPROB] {
        let s = gauge(&[logprob(impossible), logprob(0.0)]).signals();
        assert_eq!(
            (s.min_logprob, s.mean_logprob),
            (Some(LEAST_LOGPROB), Some(LEAST_LOGPROB / 2.0))
        );
        assert_eq!(s.q05_logprob, Some(LEAST_LOGPROB));
    }
    let odd = Measured {
        margin: Some(f64::INFINITY),
        kept: Some(f64::NEG_INFINITY),
        ..Measured::default()
    };
    let s = gauge(&[odd]).signals();
    assert_eq!(
        (s.min_margin, s.grammar_pressure),
        (Some(-LEAST_LOGPROB), Some(-LEAST_LOGPROB))
    );
    assert_eq!(gauge(&[logprob(1e-6)]).signals().min_logprob, Some(0.0), "rounding");

    let nan = Some(f64::NAN);
    let wrong = [
        ("logprob", logprob(f64::NAN)),
        ("logprob", logprob(f64::INFINITY)),
        ("logprob", logprob(0.5)),
        ("margin", Measured { margin: nan, ..odd }),
        (
            "margin",
            Measured {
                margin: Some(-1.0),
                ..odd
            },
        ),
        ("entropy", Measured { entropy: nan, ..odd }),
        ("kept", Measured { kept: nan, ..odd }),
        ("kept", Measured { kept: Some(1.0), ..odd }),
    ];
    let before = gauge(&[odd]);
    for (name, token) in wrong {
        let mut after = before.clone();
        let error = after.push(&token).expect_err(name);
        assert!(
            matches!(&error, RouteError::Invalid { path, .. } if path == name),
            "{error}"
        );
        assert_eq!(after.signals(), before.signals(), "{name}: nothing is half done");
    }
}

#[test]
fn what_others_report() {
    let m = Measured::reported("yes", -0.5, &[-1.5, -0.5, -3.0]);
    assert_eq!((m.margin, m.entropy, m.kept), (Some(1.0), None, None));
    // The token drawn was none of the best.
    assert_eq!(Measured::reported("x", -4.0, &[-1.5, -0.5]).margin, Some(1.0));
    assert_eq!(Measured::reported("x", -0.1, &[-4.0]).margin, Some(3.9));
    assert_eq!(Measured::reported("x", -0.5, &[]).margin, None, "no rival is known");
    assert_eq!(Measured::reported("x", -0.5, &[-0.5]).margin, None);
    let far = Measured::reported("x", -0.5, &[-0.5, f64::NEG_INFINITY]).margin;
    assert_eq!(far, Some(-0.5 - LEAST_LOGPROB));
    assert!(id_of("a") != id_of("b") && id_of("") == 0x811c_9dc5);
    let mut foreign = Gauge::new(Origin::Reported);
    assert!(foreign.push(&Measured::reported("x", f64::NAN, &[])).is_err());
    for top in [[f64::NAN, -0.5], [-0.5, -f64::NAN]] {
        assert!(foreign.push(&Measured::reported("x", -0.5, &top)).is_err());
    }
}

#[test]
fn the_rule_ends_an_answer_at_the_first_window_below_it() {
    let rule = AbortRule {
        window_below: -1.0,
        grace: 4,
    };
    let mut gauge = Gauge::new(Origin::Measured);
    let mut push = |logprob: f64, freedom: Freedom| {
        let token = Measured {
            logprob,
            freedom,
            ..Measured::default()
        };
        gauge.push(&token).expect("a number");
        gauge.aborts(&rule)
    };
    assert!(!(0..50).any(|_| push(-30.0, Freedom::Forced)), "not the model's choice");
    assert!(!(0..3).any(|_| push(-9.0, Freedom::Free)), "grace");
    assert!(push(0.0, Freedom::Free), "27 / 4");
    // 27 / 16 while those three are in the window, then nothing.
    let after: Vec<bool> = (0..20).map(|_| push(0.0, Freedom::Free)).collect();
    let ends = after.iter().position(|aborts| !aborts);
    assert_eq!(
        ends,
        Some(13),
        "17 free tokens: one of the three has left, 18 / 16 goes; {after:?}"
    );
}

#[test]
fn a_rule_without_sense_is_refused() {
    for window_below in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1] {
        let error = AbortRule { window_below, grace: 1 }
            .check("kinglet.abort")
            .expect_err("refused");
        assert!(error.to_string().starts_with("kinglet.abort.window_below"), "{error}");
    }
    let rule: AbortRule = serde_json::from_str(r#"{"window_below": -2}"#).expect("a rule");
    assert_eq!((rule.grace, rule.check("x")), (16, Ok(())));
    assert!(serde_json::from_str::<AbortRule>(r#"{"window_below": -2, "windowBelow": 1}"#).is_err());
}
