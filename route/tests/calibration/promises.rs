//! What a profile of several groups promises: of every group, of the rest, and of the traffic as a whole.

use kinglet_route::calibrate::{Options, Row, Scoring, Sequence, calibrate, quantile};
use kinglet_route::measure::SplitMix64;
use kinglet_route::profile::{Histogram, Profile, Target, Threshold};
use kinglet_route::score::{Scale, Scorer};

use super::support::{binding, signals, soak};

const ALPHA: f64 = 0.05;
const DELTA: f64 = 0.1;

/// Items of a population whose odds are known, which stand for all of its traffic.
const POOL: usize = 20_000;

fn options(target: Target) -> Options {
    Options {
        task: "intent".into(),
        created: "2026-11-22".into(),
        binding: binding(),
        target,
        scoring: Scoring::Given(Scorer::of_score()),
        sequence: Sequence::default(),
    }
}

fn row(id: usize, group: Option<&str>, score: f64, ok: bool) -> Row {
    Row {
        id: format!("row {id}"),
        group: group.map(Into::into),
        score: Some(score),
        local_ok: Some(ok),
        ..Row::default()
    }
}

/// A part of the traffic: its group, its share, the largest of its uniform scores, and how often an answer with the score
/// `s` is wrong: `flat + steep · s²`.
struct Part {
    group: Option<&'static str>,
    share: f64,
    most: f64,
    flat: f64,
    steep: f64,
}

const fn part(group: Option<&'static str>, share: f64, most: f64, flat: f64, steep: f64) -> Part {
    Part {
        group,
        share,
        most,
        flat,
        steep,
    }
}

/// Stated before anything was computed: a rest that cannot be certified beside a group that can; a hopeless group beside two
/// good parts; three parts alike; a group of which all may nearly be kept, so that the bound is tight, and a rest as tight.
const POPULATIONS: [(&str, &[Part]); 4] = [
    (
        "bad rest",
        &[part(Some("a"), 0.9, 1.0, 0.0, 0.2), part(None, 0.1, 0.3, 0.14, 0.0)],
    ),
    (
        "bad group",
        &[
            part(Some("a"), 0.4, 1.0, 0.0, 0.3),
            part(Some("b"), 0.3, 0.5, 0.14, 0.0),
            part(None, 0.3, 1.0, 0.0, 0.3),
        ],
    ),
    (
        "alike",
        &[
            part(Some("a"), 0.4, 1.0, 0.01, 0.3),
            part(Some("b"), 0.4, 1.0, 0.01, 0.3),
            part(Some("few"), 0.04, 1.0, 0.01, 0.3),
            part(None, 0.16, 1.0, 0.01, 0.3),
        ],
    ),
    (
        "tight",
        &[part(Some("a"), 0.5, 1.0, 0.051, 0.0), part(None, 0.5, 1.0, 0.051, 0.0)],
    ),
];

/// The part of an answer, its score, and how likely it is wrong.
fn draw<'a>(parts: &'a [Part], random: &mut SplitMix64) -> (&'a Part, f64, f64) {
    let at = random.unit();
    let mut sum = 0.0;
    let found = parts.iter().find(|p| {
        sum += p.share;
        at < sum
    });
    let part = found.unwrap_or(&parts[0]);
    let score = part.most * random.unit();
    (part, score, part.flat + part.steep * score * score)
}

/// The true risk of what a profile keeps: of each of the parts that share a threshold, and of everything.
fn risks(profile: &Profile, pool: &[(&Part, f64, f64)]) -> (Vec<f64>, f64) {
    let mut kept: std::collections::BTreeMap<Option<&str>, (f64, f64)> = Default::default();
    for (part, score, odds) in pool {
        let value = profile.scorer.calibrated(*score).unwrap();
        if !profile.threshold_of(part.group).asks(value) {
            let own = part.group.filter(|g| profile.groups.contains_key(*g));
            let sums = kept.entry(own).or_default();
            *sums = (sums.0 + 1.0, sums.1 + odds);
        }
    }
    let all = kept.values().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let share = |(n, wrong): &(f64, f64)| if *n > 0.0 { wrong / n } else { 0.0 };
    (kept.values().map(share).collect(), share(&all))
}

/// All promises of a profile hold together, and so that of the traffic as a whole, in all but δ of the calibration sets.
#[test]
fn every_group_the_rest_and_the_whole_keep_the_promise() {
    let draws: u64 = if soak() { 1000 } else { 30 };
    for (at, (name, parts)) in POPULATIONS.iter().enumerate() {
        let mut random = SplitMix64::new(77 + at as u64);
        let pool: Vec<_> = (0..POOL).map(|_| draw(parts, &mut random)).collect();
        let (mut broken, mut whole, mut cannot, mut kept) = (0, 0, 0, 0.0);
        for seed in 0..draws {
            let mut random = SplitMix64::new(1_000_003 * (at as u64 + 1) + seed);
            let rows: Vec<Row> = (0..2000)
                .map(|i| {
                    let (part, score, odds) = draw(parts, &mut random);
                    row(i, part.group, score, random.unit() >= odds)
                })
                .collect();
            let Ok(profile) = calibrate(
                &rows,
                &options(Target::Risk {
                    alpha: ALPHA,
                    delta: DELTA,
                }),
            ) else {
                cannot += 1;
                continue;
            };
            let (each, all) = risks(&profile, &pool);
            broken += u64::from(each.iter().any(|risk| *risk > ALPHA));
            whole += u64::from(all > ALPHA);
            let asked = profile.reference.asked;
            kept += (asked.n - asked.k) as f64 / asked.n as f64 / draws as f64;
        }
        println!(
            "{name}: some promise broken {broken}, the whole's {whole}, cannot {cannot} of {draws}, kept {kept:.3}"
        );
        let allowed = DELTA * draws as f64 + 2.0 * (DELTA * (1.0 - DELTA) * draws as f64).sqrt();
        assert!(
            broken as f64 <= allowed && whole as f64 <= allowed,
            "{name}: {broken} {whole}"
        );
        // Of "tight" nothing may be kept: its comparison can fail, for a threshold that kept all would break every promise.
        if *name != "tight" {
            assert!(cannot * 5 < draws && kept > 0.1, "{name}: {cannot} {kept}");
        }
    }
}

/// What cannot be certified asks, and the profile says so; what can be, keeps its own evidence.
#[test]
fn a_rest_that_cannot_be_certified_always_asks() {
    let (_, parts) = POPULATIONS[0];
    let mut random = SplitMix64::new(5);
    let rows: Vec<Row> = (0..3000)
        .map(|i| {
            let (part, score, odds) = draw(parts, &mut random);
            row(i, part.group, score, random.unit() >= odds)
        })
        .collect();
    let profile = calibrate(
        &rows,
        &options(Target::Risk {
            alpha: ALPHA,
            delta: DELTA,
        }),
    )
    .unwrap();
    assert_eq!(profile.threshold.below(), Some(0.0));
    let Threshold::Risk { n, kept, .. } = profile.threshold else {
        panic!("{:?}", profile.threshold)
    };
    let rest = rows.iter().filter(|r| r.group.is_none()).count() as u64;
    assert_eq!((n, kept), (rest, 0), "evidence of this traffic and of no other");
    for raw in [-1e9, 0.0, 1e9] {
        assert!(profile.threshold.asks(profile.scorer.calibrated(raw).unwrap()));
    }
    let said = profile.notes.iter().any(|note| note.contains("always ask"));
    assert!(said, "{:?}", profile.notes);
    let Threshold::Risk { delta, .. } = profile.groups["a"] else {
        panic!("{:?}", profile.groups)
    };
    assert_eq!(delta, DELTA / 2.0, "two thresholds share the δ");
    assert_eq!(
        profile.target,
        Target::Risk {
            alpha: ALPHA,
            delta: DELTA
        }
    );
}

/// A rate is kept by each part of the traffic, and so by all of it.
#[test]
fn a_rate_is_kept_by_groups_by_the_rest_and_by_all() {
    let mut random = SplitMix64::new(1);
    let mut rows = Vec::new();
    for i in 0..990 {
        // Of a, one answer in ten fails its checks.
        let (group, score) = if i < 900 {
            ("a", 0.1 * random.unit())
        } else {
            ("b", 0.5 + 0.1 * random.unit())
        };
        let mut row = row(i, Some(group), score, true);
        let mut s = signals(score);
        s.schema_ok = Some(group == "b" || i % 10 != 0);
        row.signals = Some(s);
        rows.push(row);
    }
    for rate in [0.05, 0.1, 0.15, 0.4] {
        let profile = calibrate(&rows, &options(Target::EscalationRate { rate })).unwrap();
        assert_eq!(profile.groups.keys().collect::<Vec<_>>(), ["a"]);
        for group in ["a", "b"] {
            let of: Vec<&Row> = rows.iter().filter(|r| r.group.as_deref() == Some(group)).collect();
            let asks = |row: &&&Row| {
                let value = profile.scorer.calibrated(row.score.unwrap()).unwrap();
                row.checks_failed() || profile.threshold_of(Some(group)).asks(value)
            };
            let asked = of.iter().filter(asks).count() as f64;
            // More than the rate asks where the checks alone do.
            let wanted = (rate * of.len() as f64).max(if group == "a" { 90.0 } else { 0.0 });
            assert!(
                (asked - wanted).abs() <= 0.5 + 1e-9,
                "rate {rate}, group {group}: {asked} of {}",
                of.len()
            );
        }
    }
}

/// Equal values whose decimals are longer than twelve digits stay on one side of their threshold.
#[test]
fn a_threshold_at_equal_values_asks_for_all_of_them() {
    for share in [0.4, 0.25] {
        for level in 1..40 {
            let tied = f64::from(level) / 7.0;
            let rows: Vec<Row> = (0..100)
                .map(|i| row(i, None, if i < (100.0 * share) as usize { tied } else { -1.0 }, true))
                .collect();
            let profile = calibrate(&rows, &options(Target::EscalationRate { rate: share })).unwrap();
            assert_eq!(profile.reference.asked.k as f64, 100.0 * share, "{tied}");
            // As it is read again.
            let read = Profile::from_json(&profile.to_json().unwrap()).unwrap();
            assert!(read.threshold.asks(read.scorer.calibrated(tied).unwrap()), "{tied}");
        }
    }
    let long = 0.777_777_777_777_7;
    let values = [vec![0.2; 60], vec![long; 40]].concat();
    let at = quantile(&values, 0.4).unwrap();
    assert!(at <= long && at > 0.2, "{at}");
    assert_eq!(Histogram::of(&values).counts, [60, 40]);
    // A score that comes from outside is rounded before its values are looked at, as it will be when it is read again.
    let mut scorer = Scorer::of_feature("label_margin");
    scorer.features[0].weight = 1.0 / 3.0;
    let mut given = options(Target::EscalationRate { rate: 0.4 });
    given.scoring = Scoring::Given(scorer);
    let rows: Vec<Row> = (0..100)
        .map(|i| Row {
            signals: Some(signals(if i < 40 { 0.7 } else { 0.1 })),
            ..row(i, None, 0.0, true)
        })
        .collect();
    let profile = calibrate(&rows, &given).unwrap();
    assert!(profile.asks(&signals(0.7), None).unwrap().1);
    assert_eq!(profile.reference.asked.k, 40);
}

/// The split into a part that fits and a part that certifies goes by ids: without them it would go by what the rows say.
#[test]
fn a_row_without_an_id_of_its_own_is_refused() {
    let rows: Vec<Row> = (0..400)
        .map(|i| Row {
            signals: Some(signals(f64::from(i as u32 % 97) / 97.0)),
            ..row(i, None, 0.0, i % 5 != 0)
        })
        .collect();
    let mut fit = options(Target::EscalationRate { rate: 0.2 });
    fit.scoring = Scoring::Fit {
        features: vec!["label_margin".into()],
        scale: Scale::Error,
    };
    for options in [&fit, &options(Target::EscalationRate { rate: 0.2 })] {
        for id in ["", "row 9"] {
            let mut rows = rows.clone();
            rows[7].id = id.into();
            let error = calibrate(&rows, options).unwrap_err().to_json();
            assert_eq!(error["code"], "invalid_request", "{id:?}");
            let param = error["detail"]["param"].as_str().unwrap();
            assert!(["rows[7].id", "rows[9].id"].contains(&param), "{error}");
        }
    }
}
