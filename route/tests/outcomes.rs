//! Published outcomes of a weak and a strong model on 29 subjects: every figure equals that of an independent script
//! (tools/route_outcomes.py: numpy and scikit-learn), and the ordering of three signals is shown or reported.

use std::io::Write;
use std::path::{Path, PathBuf};

use kinglet_route::measure::{Bootstrap, Deferral, Outcome, Ranking, Sample, auroc, heldout};
use serde_json::Value;

/// How far a figure may lie from the script's.
const TOLERANCE: f64 = 1e-6;
const METRICS: [&str; 6] = ["apgr", "cpt50", "cpt80", "auc_df", "auroc_wrong", "auroc_gain"];
const SIGNALS: [&str; 3] = ["task", "length", "random"];
const PAIRS: [(usize, usize); 3] = [(0, 1), (1, 2), (0, 2)];

/// The folder of the data, or `None` after reporting the test as skipped, by name.
fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let base = std::env::var_os("KINGLET_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = base.join("data/routing/mmlu_outcomes");
    if folder.is_dir() {
        return Some(folder);
    }
    let reason = "needs shared data routing/mmlu_outcomes";
    eprintln!("SKIPPED: {reason}");
    if let Some(log) = std::env::var_os("KINGLET_SKIP_LOG") {
        let thread = std::thread::current();
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        writeln!(file, "{}\t{reason}", thread.name().unwrap_or("?")).unwrap();
    }
    None
}

/// Records of a CSV file: fields in quotes may hold commas, line ends and doubled quotes.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.push(chars.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field).trim_end_matches('\r').to_string());
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    if !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

struct Items {
    subjects: Vec<String>,
    lengths: Vec<f64>,
    outcomes: Vec<Outcome>,
}

fn read(folder: &Path) -> Items {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut items = Items {
        subjects: Vec::new(),
        lengths: Vec::new(),
        outcomes: Vec::new(),
    };
    for file in files {
        let records = csv(&std::fs::read_to_string(&file).unwrap());
        assert_eq!(
            records[0],
            ["prompt", "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"]
        );
        for record in &records[1..] {
            assert_eq!(record.len(), 3, "{}", file.display());
            items
                .subjects
                .push(file.file_stem().unwrap().to_string_lossy().into_owned());
            items.lengths.push(record[0].chars().count() as f64);
            items.outcomes.push(Outcome {
                local: record[1] == "True",
                remote: record[2] == "True",
            });
        }
    }
    items
}

fn measure(
    ranking: &Ranking,
    outcomes: &[Outcome],
    wrong: &[bool],
    helped: &[bool],
    sample: &Sample,
) -> [Option<f64>; 6] {
    let curve = Deferral::of(ranking, outcomes, sample);
    [
        curve.apgr(),
        curve.cpt(0.5),
        curve.cpt(0.8),
        curve.area(),
        auroc(ranking, wrong, sample),
        auroc(ranking, helped, sample),
    ]
}

#[test]
fn outcomes_equal_an_independent_script() {
    let Some(folder) = shared() else { return };
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/route_outcomes.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let whole = |name: &str| golden[name].as_u64().unwrap();
    let items = read(&folder);
    assert_eq!(items.outcomes.len() as u64, whole("n"));
    let gain: Vec<f64> = items.outcomes.iter().map(|o| o.gain()).collect();
    let held = heldout::label_gain(&items.subjects, &gain, whole("split_seed"));
    let n = held.judged.len();
    assert_eq!(n as u64, whole("n_judged"));
    let outcomes: Vec<Outcome> = held.judged.iter().map(|&i| items.outcomes[i]).collect();
    let lengths: Vec<f64> = held.judged.iter().map(|&i| items.lengths[i]).collect();
    let wrong: Vec<bool> = outcomes.iter().map(|o| !o.local).collect();
    let helped: Vec<bool> = outcomes.iter().map(|o| o.remote && !o.local).collect();
    let rankings = [&held.scores, &lengths, &vec![0.0; n]].map(|scores| Ranking::new(scores).unwrap());
    let bootstrap = Bootstrap {
        seed: whole("bootstrap_seed"),
        replicates: whole("replicates") as u32,
        level: golden["level"].as_f64().unwrap(),
    };
    let draws = bootstrap.draws(n, |sample| {
        let each = rankings
            .each_ref()
            .map(|r| measure(r, &outcomes, &wrong, &helped, sample));
        let differences = PAIRS.map(|(a, b)| std::array::from_fn(|i| Some(each[a][i]? - each[b][i]?)));
        each.into_iter().chain(differences).flatten().collect()
    });
    let pairs = PAIRS.map(|(a, b)| format!("{} - {}", SIGNALS[a], SIGNALS[b]));
    let names = SIGNALS.iter().map(|s| s.to_string()).chain(pairs);
    let mut furthest: f64 = 0.0;
    for (at, name) in names.enumerate() {
        for (i, metric) in METRICS.iter().enumerate() {
            let e = draws.estimate(at * METRICS.len() + i).unwrap();
            let expect = golden["figures"][&name][metric].as_array().unwrap();
            for (got, expect) in [e.value, e.low, e.high].into_iter().zip(expect) {
                let off = (got - expect.as_f64().unwrap()).abs();
                assert!(off <= TOLERANCE, "{name} {metric}: {got}, the script has {expect}");
                furthest = furthest.max(off);
            }
            println!(
                "{name:<18} {metric:<12} {:.3} [{:.3}, {:.3}] n={}",
                e.value, e.low, e.high, e.n
            );
        }
    }
    println!("largest distance from the script: {furthest:e}");
    // The ordering: shown where the whole interval of the paired difference lies above zero.
    for (at, (a, b)) in PAIRS.into_iter().enumerate() {
        for metric in [0, 4, 5] {
            let e = draws.estimate((SIGNALS.len() + at) * METRICS.len() + metric).unwrap();
            let shown = if e.low > 0.0 { "shown" } else { "not shown" };
            println!("{} > {} by {}: {shown}", SIGNALS[a], SIGNALS[b], METRICS[metric]);
        }
    }
    // The comparison can fail: other samples move an interval by more than the tolerance.
    let other = Bootstrap {
        seed: bootstrap.seed + 1,
        ..bootstrap
    };
    let moved = other.draws(n, |sample| vec![Deferral::of(&rankings[0], &outcomes, sample).apgr()]);
    assert!((moved.estimate(0).unwrap().low - draws.estimate(0).unwrap().low).abs() > TOLERANCE);
}
