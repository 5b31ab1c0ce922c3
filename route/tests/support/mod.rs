//! Seeded requests: every option, fact and signal is there at times, at its bounds more often than a chance would have it.

#![allow(dead_code)] // each test program uses its part

use std::sync::LazyLock;

use kinglet_route::calibration::{Calibration, id};
use kinglet_route::day0::{Asked, RollingQuantile};
use kinglet_route::drift::Action;
use kinglet_route::facts::{Answered, Budget, Facts, Local, User};
use kinglet_route::policy::{Abort, Conservative, Escalation, Mode, Policy, Privacy, Remote, Rule, Target, TaskRule};
use kinglet_route::price::Price;
use kinglet_route::privacy::{Consent, Label, Redact};
use kinglet_route::profile::{Binding, Count, Histogram, LabelSource, Profile, Reference, Threshold};
use kinglet_route::score::{Knot, Scale, Scorer, Weight};
use kinglet_route::signals::{Origin, SIGNAL_VERSION, Signals};
use kinglet_route::state::State;
use kinglet_route::trace::{Action as TraceAction, Ended, Outcome, RemoteOutcome, Trace, Usage};

/// Cases of each property.
pub fn count() -> usize {
    if std::env::var_os("KINGLET_SOAK").is_some() {
        100_000
    } else {
        3_000
    }
}

/// xorshift64* (Vigna 2016).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    /// 0 to 1; one of the ends each tenth time.
    pub fn share(&mut self) -> f64 {
        match self.below(20) {
            0 => 0.0,
            1 => 1.0,
            _ => (self.next() >> 11) as f64 / (1u64 << 53) as f64,
        }
    }

    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    pub fn maybe<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }

    pub fn rarely<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        (self.below(10) == 0).then(|| make(self))
    }

    fn truth(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

/// Calibrations by one signal, `label_max`: its lack to one as the risk of being wrong, as a gain, and as mere doubt.
pub fn profiles() -> &'static [Profile; 3] {
    static PROFILES: LazyLock<[Profile; 3]> =
        LazyLock::new(|| [profile(Scale::Error), profile(Scale::Gain), profile(Scale::Doubt)]);
    &PROFILES
}

fn profile(scale: Scale) -> Profile {
    let (low, high) = scale.range();
    let knot = |x: i32| Knot(f64::from(x), low + (high - low) * f64::from(x + 12) / 24.0);
    let below = |below| Threshold::EscalationRate {
        below,
        rate: 0.3,
        n: 100,
    };
    let economic = Threshold::ValuePerCorrect {
        below: Some(0.2),
        value: 10_000,
        cost: 1_000,
        fixes: 1.0,
        holds: 1.0,
    };
    let profile = Profile {
        schema_version: 1,
        created: "2026-11-22".into(),
        task: "t".into(),
        binding: Binding {
            model_hash: "m".into(),
            quantization: "Q8_0".into(),
            tokenizer_hash: "k".into(),
            template_hash: "c".into(),
            sampler: "greedy".into(),
            signal_version: SIGNAL_VERSION,
        },
        label_source: LabelSource::Exact,
        n: 100,
        positives: 30,
        scorer: Scorer {
            scale,
            features: vec![Weight {
                name: "label_max".into(),
                weight: 4.0,
                missing: None,
            }],
            bias: 0.0,
            isotonic: if scale == Scale::Doubt {
                Vec::new()
            } else {
                (-12..=12).map(knot).collect()
            },
        },
        target: kinglet_route::profile::Target::Risk {
            alpha: 0.05,
            delta: 0.1,
        },
        threshold: below(Some(0.3)),
        groups: [("own", below(Some(0.1))), ("all", below(None)), ("economic", economic)]
            .map(|(name, threshold)| (name.to_string(), threshold))
            .into(),
        reference: Reference {
            score: Histogram {
                edges: vec![0.5],
                counts: vec![70, 30],
            },
            asked: Count { k: 30, n: 100 },
            verifier_failed: Count::default(),
            ..Reference::default()
        },
        held_out: None,
        data_digest: "d".into(),
        notes: Vec::new(),
    };
    profile.checked().expect("a profile")
}

/// Signals that all of them doubt that much.
pub fn doubtful(doubt: f64) -> Signals {
    Signals {
        version: SIGNAL_VERSION,
        origin: Origin::Measured,
        label_max: Some(1.0 - doubt),
        ..Signals::default()
    }
}

/// One request with everything around it.
#[derive(Clone)]
pub struct Case {
    pub policy: Policy,
    pub facts: Facts,
    pub state: State,
    pub calibration: Calibration,
    pub profile: &'static Profile,
    pub signals: Signals,
    pub ended: Ended,
    outcome: u64,
}

impl Case {
    pub fn random(r: &mut Random) -> Case {
        let requests = r.below(50) as u32;
        let profile = &profiles()[r.below(3) as usize];
        Case {
            policy: policy(r),
            facts: facts(r),
            state: State {
                requests,
                escalations: r.below(u64::from(requests) / 4 + 1) as u32,
                alarm: r.maybe(|r| r.one_of(&[Action::Warn, Action::Tighten, Action::Suspend])),
                day0: scores(r),
                ..State::default()
            },
            calibration: match r.below(3) {
                0 => Calibration::Absent,
                _ => Calibration::Fits { profile: id(profile) },
            },
            profile,
            signals: signals(r),
            ended: if r.truth(10) { Ended::Aborted } else { Ended::Complete },
            outcome: r.below(8),
        }
    }

    /// An outcome that can follow.
    pub fn outcome(&self, decided: &Trace) -> Outcome {
        let Some(egress) = &decided.decision.egress else {
            return Outcome::default();
        };
        let remote = match self.outcome {
            0 => None,
            1 => Some(RemoteOutcome::Failed),
            2 => Some(RemoteOutcome::RateLimited),
            3 if egress.needs_consent => Some(RemoteOutcome::ConsentDenied),
            _ => Some(RemoteOutcome::Answered),
        };
        let answered = remote == Some(RemoteOutcome::Answered);
        let audit = decided.decision.action == TraceAction::Audit;
        Outcome {
            remote,
            local_ok: (answered && audit && self.outcome > 4).then_some(self.outcome == 5),
            local_ms: (self.outcome > 2).then_some(40 * self.outcome as u32),
            usage: (answered && self.outcome > 5).then_some(Usage {
                input: 1_000,
                output: 77,
            }),
            payload: None,
        }
    }

    /// Puts what is no number somewhere, and says where.
    pub fn spoil(&mut self, r: &mut Random, bad: f64) -> &'static str {
        match r.below(22) {
            0 => {
                self.facts.complexity = Some(bad);
                "facts.complexity: "
            }
            1 => {
                self.facts.retrieval_top = Some(bad);
                "facts.retrieval_top: "
            }
            2 => {
                self.facts.decode_rate = Some(bad);
                "facts.decode_rate: "
            }
            3 => {
                self.facts.budget = Some(Budget {
                    pacing: Some(bad),
                    ..Budget::default()
                });
                "facts.budget.pacing: "
            }
            4 => {
                self.policy.escalation.max_rate = Some(bad);
                "policy.escalation.maxRate: "
            }
            5 => {
                self.policy.escalation.retrieval_bound = Some(bad);
                "policy.escalation.retrievalBound: "
            }
            6 => {
                self.policy.escalation.abort = Some(Abort {
                    grace: 8,
                    window_below: bad,
                });
                "policy.escalation.abort.windowBelow: "
            }
            7 => {
                self.policy.escalation.target = Some(Target {
                    risk: Some(bad),
                    ..Target::default()
                });
                "policy.escalation.target.risk: "
            }
            8 => {
                self.signals.label_max = Some(bad);
                "signals.label_max: "
            }
            9 => {
                self.signals.complexity = Some(bad);
                "signals.complexity: "
            }
            10 => {
                self.signals.mean_entropy = Some(bad);
                "signals.mean_entropy: "
            }
            11 => {
                self.facts.retrieval_margin = Some(bad);
                "facts.retrieval_margin: "
            }
            12 => {
                self.facts.prefill_rate = Some(bad);
                "facts.prefill_rate: "
            }
            13 => {
                self.policy.escalation.complexity_bound = Some(bad);
                "policy.escalation.complexityBound: "
            }
            14 => {
                self.policy.escalation.repetition_bound = Some(bad);
                "policy.escalation.repetitionBound: "
            }
            15 => {
                self.policy.escalation.out_of_scope_bound = Some(bad);
                "policy.escalation.outOfScopeBound: "
            }
            16 => {
                self.policy.escalation.audit = Some(bad);
                "policy.escalation.audit: "
            }
            17 => {
                self.policy.escalation.target = Some(Target {
                    escalation_rate: Some(bad),
                    ..Target::default()
                });
                "policy.escalation.target.escalationRate: "
            }
            18 => {
                self.policy.escalation.target = Some(Target {
                    risk: Some(0.05),
                    confidence: Some(bad),
                    ..Target::default()
                });
                "policy.escalation.target.confidence: "
            }
            19 => {
                self.signals.label_none = Some(bad);
                "signals.label_none: "
            }
            20 => {
                self.signals.retrieval_top = Some(bad);
                "signals.retrieval_top: "
            }
            _ => {
                self.signals.repetition = Some(bad);
                "signals.repetition: "
            }
        }
    }
}

/// Scores of a session, at times enough for a rate.
fn scores(r: &mut Random) -> std::collections::BTreeMap<String, RollingQuantile> {
    let mut scores = RollingQuantile::default();
    for _ in 0..r.below(40) {
        let asked = if r.truth(5) { Asked::Yes } else { Asked::No };
        let mut signals = doubtful(r.share());
        signals.label_margin = signals.label_max;
        scores.record(&signals, asked, 0.25);
    }
    ["", "t"].map(|task| (task.to_string(), scores.clone())).into()
}

fn policy(r: &mut Random) -> Policy {
    let modes = [
        Mode::PreferLocal,
        Mode::PreferLocal,
        Mode::PreferLocal,
        Mode::PreferRemote,
        Mode::OnlyRemote,
    ];
    let mut policy = Policy {
        mode: r.rarely(|_| Mode::OnlyLocal).unwrap_or_else(|| r.one_of(&modes)),
        remotes: (0..r.below(4)).map(|i| remote(r, i)).collect(),
        escalation: escalation(r),
        privacy: Privacy {
            consent: r.one_of(&[Consent::Ask, Consent::Free]),
            redact: r.one_of(&[Redact::No, Redact::Yes]),
        },
        ..Policy::default()
    };
    if r.truth(3) {
        let rule = TaskRule {
            escalate: r.one_of(&[Rule::Default, Rule::Default, Rule::Always, Rule::Never]),
            value: r.rarely(|r| r.below(50_000)),
            consent: r.rarely(|r| r.one_of(&[Consent::Free, Consent::Ask])),
            redact: r.rarely(|_| Redact::Yes),
        };
        policy.tasks.insert("t".into(), rule);
    }
    policy
}

fn remote(r: &mut Random, i: u64) -> Remote {
    Remote {
        name: format!("r{i}"),
        price: Price {
            input_per_million: r.one_of(&[0, 150_000, 2_500_000, 15_000_000]),
            output_per_million: r.one_of(&[0, 600_000, 10_000_000, 75_000_000]),
            cached_per_million: None,
            per_request: r.rarely(|r| r.below(5_000)).unwrap_or(0),
            currency: "USD".into(),
            as_of: "2026-11-22".into(),
        },
        context_window: r.rarely(|r| r.below(3_000) as u32),
        latency_ms: r.maybe(|r| r.below(5_000) as u32),
    }
}

fn escalation(r: &mut Random) -> Escalation {
    Escalation {
        target: r.maybe(|r| match r.below(3) {
            0 => Target {
                risk: Some(r.share()),
                ..Target::default()
            },
            1 => Target {
                escalation_rate: Some(r.share()),
                ..Target::default()
            },
            _ => Target {
                value_per_correct: Some(r.below(100_000)),
                ..Target::default()
            },
        }),
        abort: r.maybe(|r| Abort {
            grace: r.below(32) as u32,
            window_below: -4.0 * r.share(),
        }),
        max_rate: r.rarely(Random::share),
        audit: r.rarely(Random::share),
        latency_budget_ms: r.rarely(|r| r.below(20_000) as u32),
        latency_weight: r.rarely(|r| r.below(2_000)).unwrap_or(0),
        complexity_bound: r.rarely(Random::share),
        retrieval_bound: r.rarely(|r| 10.0 * r.share()),
        repetition_bound: r.rarely(Random::share),
        out_of_scope_bound: r.rarely(Random::share),
        conservative: r.one_of(&[Conservative::Quarter, Conservative::ChecksOnly, Conservative::Escalate]),
    }
}

fn facts(r: &mut Random) -> Facts {
    let known = !r.truth(8);
    Facts {
        task: r.maybe(|_| "t".into()),
        group: r.maybe(|r| r.one_of(&["own", "other", "all", "economic"]).into()),
        prompt_tokens: known.then(|| r.below(3_000) as u32),
        max_tokens: known.then(|| r.below(1_000) as u32),
        context: r.maybe(|r| r.one_of(&[512, 4_096, 8_192])),
        payload: (0..r.below(3)).map(|_| label(r)).collect(),
        answered: r.rarely(|_| Answered::Denied),
        user: r.one_of(&[User::Asks, User::Asks, User::Asks, User::Reasks, User::RequestsRemote]),
        online: r.maybe(|r| !r.truth(6)),
        local: r.one_of(&[
            Local::Ready,
            Local::Ready,
            Local::Ready,
            Local::Downloading,
            Local::Absent,
        ]),
        prefill_rate: r.maybe(|r| 1.0 + 500.0 * r.share()),
        decode_rate: r.maybe(|r| 1.0 + 50.0 * r.share()),
        latency_budget_ms: r.rarely(|r| r.below(20_000) as u32),
        value: r.rarely(|r| r.below(100_000)),
        tier: r.rarely(|_| "free".into()),
        complexity: r.maybe(Random::share),
        retrieval_top: r.maybe(|r| 10.0 * r.share()),
        retrieval_margin: r.rarely(Random::share),
        budget: r.rarely(|r| Budget {
            remaining: r.maybe(|r| r.below(200_000)),
            pacing: r.maybe(|r| 4.0 * r.share()),
            requests: r.maybe(|r| r.below(5) as u32),
            tokens: r.maybe(|r| r.below(20_000)),
        }),
        resting: r.rarely(|r| format!("r{}", r.below(3))).into_iter().collect(),
        audit: r.truth(4),
    }
}

fn label(r: &mut Random) -> Label {
    Label {
        consent: r.maybe(|r| r.one_of(&[Consent::Free, Consent::Free, Consent::Ask, Consent::Ask, Consent::Never])),
        redact: r.maybe(|r| r.one_of(&[Redact::No, Redact::Yes])),
    }
}

fn signals(r: &mut Random) -> Signals {
    let measured = !r.truth(4);
    Signals {
        version: SIGNAL_VERSION,
        origin: if measured { Origin::Measured } else { Origin::None },
        tokens: r.below(300) as u32,
        window_logprob: r.maybe(|r| -4.0 * r.share()).filter(|_| measured),
        anchor_logprob: r.rarely(|r| -3.0 * r.share()).filter(|_| measured),
        label_max: r.maybe(Random::share).filter(|_| measured),
        label_margin: r.maybe(Random::share).filter(|_| measured),
        label_none: r.rarely(Random::share).filter(|_| measured),
        repetition: r.rarely(Random::share),
        truncated: r.rarely(|r| r.truth(2)),
        refusal: r.rarely(|r| r.truth(2)),
        empty: r.rarely(|r| r.truth(2)),
        parse_ok: r.rarely(|r| r.truth(2)),
        schema_ok: r.rarely(|r| r.truth(2)),
        quote_ok: r.rarely(|r| r.truth(2)),
        verified: r.rarely(|r| r.truth(2)),
        retrieval_top: r.rarely(|r| 10.0 * r.share()),
        ..Signals::default()
    }
}

/// The numbers in a text that are not part of a name, as numbers.
pub fn numbers(text: &str) -> Vec<f64> {
    let part = |c: char| c.is_ascii_alphanumeric() || ".-+_".contains(c);
    let words = text.split(|c: char| !part(c)).map(|word| word.trim_end_matches('.'));
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        .filter_map(|word| word.parse().ok())
        .collect()
}
