//! The figures of the articles that this product answers, as they stand there, and what they leave out.

use super::*;
use crate::price::Price;

const DOLLAR: u64 = 1_000_000;

fn price(input: u64, output: u64) -> Price {
    Price {
        input_per_million: input,
        output_per_million: output,
        cached_per_million: None,
        per_request: 0,
        currency: "USD".into(),
        as_of: "2025-01-01".into(),
    }
}

/// 100,000 queries a day of 500 tokens, at $0.03 per 1,000.
fn article() -> Scenario {
    Scenario {
        requests_per_month: 100_000 * 30,
        input_tokens: 500,
        cached_tokens: 0,
        output_tokens: 0,
        remote: price(30 * DOLLAR, 30 * DOLLAR),
        cheap: None,
        hosted: None,
        escalated_cost_ratio: 1.0,
        delivery: None,
        fixed: Fixed::default(),
    }
}

fn small() -> Price {
    price(3 * DOLLAR, 3 * DOLLAR)
}

#[test]
fn a_month_of_45_000_against_4_500() {
    let mut scenario = article();
    scenario.cheap = Some(small());
    let c = compare(&scenario, 0.0, None).unwrap();
    assert_eq!(c.all_remote.total, 45_000 * DOLLAR);
    assert_eq!(c.all_cheap.unwrap().total, 4_500 * DOLLAR);
    // A day, as the article begins.
    scenario.requests_per_month = 100_000;
    assert_eq!(compare(&scenario, 0.0, None).unwrap().all_remote.total, 1_500 * DOLLAR);
}

/// 400,000 calls of a window of 8,192 tokens and 1,000 tokens of answer: the prompt is what costs.
#[test]
fn the_chatbots_of_12_192_and_15_830() {
    let mut scenario = article();
    (
        scenario.requests_per_month,
        scenario.input_tokens,
        scenario.output_tokens,
    ) = (400_000, 8_192, 1_000);
    scenario.remote = price(2_500_000, 10 * DOLLAR);
    assert_eq!(compare(&scenario, 0.0, None).unwrap().all_remote.total, 12_192 * DOLLAR);
    scenario.remote = price(3 * DOLLAR, 15 * DOLLAR);
    // $15,830.40: the article leaves the cents out.
    assert_eq!(compare(&scenario, 0.0, None).unwrap().all_remote.total, 15_830_400_000);
    // With a tenth of the price for what is cached, 8,000 tokens of it, most of that is gone.
    scenario.remote.cached_per_million = Some(300_000);
    scenario.cached_tokens = 8_000;
    assert_eq!(compare(&scenario, 0.0, None).unwrap().all_remote.total, 7_190_400_000);
    scenario.remote.per_request = 1_000;
    assert_eq!(compare(&scenario, 0.0, None).unwrap().all_remote.total, 7_590_400_000);
}

#[test]
fn savings_at_10_and_15_percent() {
    let saving = |hosted: Option<Price>, escalation: f64, ratio: f64| {
        let scenario = Scenario {
            hosted,
            escalated_cost_ratio: ratio,
            ..article()
        };
        let saving = compare(&scenario, escalation, None).unwrap().saving.unwrap();
        (saving * 1e9).round() / 1e9
    };
    // A small model at a tenth of the price: 80 to 75 %. On the device: 90 to 85 %.
    assert_eq!(
        (saving(Some(small()), 0.10, 1.0), saving(Some(small()), 0.15, 1.0)),
        (0.80, 0.75)
    );
    assert_eq!((saving(None, 0.10, 1.0), saving(None, 0.15, 1.0)), (0.90, 0.85));
    // If what is escalated costs twice or three times the average: 80 to 70 %, 70 to 55 %.
    assert_eq!((saving(None, 0.10, 2.0), saving(None, 0.15, 2.0)), (0.80, 0.70));
    assert_eq!((saving(None, 0.10, 3.0), saving(None, 0.15, 3.0)), (0.70, 0.55));
}

fn delivered() -> Scenario {
    Scenario {
        delivery: Some(Delivery {
            bytes: 2_400_000_000,
            price_per_gigabyte: 20_000,
            devices: 10_000,
            downloads_per_device: 1.5,
            months: 12,
        }),
        ..article()
    }
}

/// 2.4 GB at 2 cents a gigabyte, to 10,000 devices one and a half times: $720, so $60 a month.
#[test]
fn delivery_is_a_cost() {
    let c = compare(&delivered(), 0.10, None).unwrap();
    assert_eq!(
        (c.with_local.delivery, c.with_local.remote),
        (60 * DOLLAR, 4_500 * DOLLAR)
    );
    // 7.2 cents for each device; a request saves 1.35 cents: from the sixth on.
    assert_eq!((c.break_even_per_device, c.requests_per_device), (Some(6), Some(3_600)));
    assert_eq!(c.advice, Advice::OnDevice);
    assert!(c.saving < c.saving_on_requests);
}

/// The same model on many devices that ask once a month: below the break-even a small remote model is the answer.
#[test]
fn rarely_used_models_stay_remote() {
    let mut scenario = delivered();
    scenario.requests_per_month = 3_000;
    scenario.remote = price(300_000, 300_000);
    let c = compare(&scenario, 0.10, None).unwrap();
    // A request of 150 micro-dollars saves 135; 72,000 for each device are 534 requests, and there are three.
    assert_eq!((c.break_even_per_device, c.requests_per_device), (Some(534), Some(3)));
    assert_eq!(c.advice, Advice::SmallRemote);
    assert!(c.saving.unwrap() < 0.0);
}

/// Against a cheap remote model the bar is higher, and against one that costs less than the escalations it is never met.
#[test]
fn a_cheap_remote_model_is_the_rival() {
    let mut scenario = delivered();
    scenario.cheap = Some(small());
    let alone = compare(&scenario, 0.10, None).unwrap();
    assert_eq!(
        (alone.break_even_per_device_cheap, alone.advice),
        (None, Advice::SmallRemote)
    );
    // With its own escalations it costs 4,500 + 6,750; a request saves 0.225 cents, 7.2 cents are 32 requests.
    let cascade = compare(&scenario, 0.10, Some(0.15)).unwrap();
    assert_eq!(cascade.cascade.unwrap().total, 11_250 * DOLLAR);
    assert_eq!(
        (cascade.break_even_per_device_cheap, cascade.advice),
        (Some(32), Advice::OnDevice)
    );
}

#[test]
fn fixed_costs_and_labels_take_months() {
    let mut scenario = article();
    scenario.fixed = Fixed {
        once: 100_000 * DOLLAR,
        per_month: 5_000 * DOLLAR,
        price_per_label: DOLLAR / 2,
        labels: 1_000,
        labels_per_month: 200,
    };
    let c = compare(&scenario, 0.10, None).unwrap();
    // 45,000 less 4,500, 5,000 and 100 are 35,400 a month; 100,500 are spent once.
    assert_eq!((c.with_local.total, c.months_to_break_even), (9_600 * DOLLAR, Some(3)));
    scenario.fixed.per_month = 50_000 * DOLLAR;
    let c = compare(&scenario, 0.10, None).unwrap();
    assert_eq!((c.months_to_break_even, c.advice), (None, Advice::AllRemote));
}

#[test]
fn hostile_scenarios_are_refused() {
    let refused = |change: &dyn Fn(&mut Scenario), name: &str| {
        let mut scenario = delivered();
        change(&mut scenario);
        let error = compare(&scenario, 0.1, None).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    };
    refused(&|s| s.escalated_cost_ratio = f64::NAN, "escalatedCostRatio");
    refused(&|s| s.requests_per_month = u64::MAX, "requestsPerMonth");
    refused(&|s| s.cached_tokens = 501, "cachedTokens");
    refused(&|s| s.fixed.once = u64::MAX, "fixed.once");
    refused(&|s| s.input_tokens = 1 << 52, "2^64");
    let delivery = |change: fn(&mut Delivery)| move |s: &mut Scenario| s.delivery.iter_mut().for_each(change);
    refused(&delivery(|d| d.devices = 0), "devices");
    refused(
        &delivery(|d| d.downloads_per_device = f64::INFINITY),
        "downloadsPerDevice",
    );
    refused(&delivery(|d| d.months = 0), "months");
    assert!(compare(&article(), f64::NAN, None).is_err() && compare(&article(), 0.1, Some(1.1)).is_err());
    // Nothing asked, nothing paid, nothing promised.
    let mut idle = article();
    idle.requests_per_month = 0;
    assert_eq!(compare(&idle, 0.1, None).unwrap().saving, None);
    // The largest of everything neither panics nor wraps.
    let most = (1 << 53) - 1;
    let mut huge = delivered();
    (huge.requests_per_month, huge.input_tokens) = (most, most);
    huge.remote = price(most, most);
    assert_eq!(compare(&huge, 1.0, Some(1.0)).unwrap_err().code(), "invalid_request");
}

#[test]
fn a_scenario_is_read_strictly() {
    let text = r#"{"requestsPerMonth": 10, "inputTokens": 5, "outputTokens": 1,
        "remote": {"inputPerMillion": 1, "outputPerMillion": 2, "currency": "USD", "asOf": "2025-01-01"}}"#;
    let scenario: Scenario = crate::document::read("scenario", text).unwrap();
    assert_eq!((scenario.escalated_cost_ratio, scenario.delivery), (1.0, None));
    let wrong = text.replace("outputTokens", "outputToken");
    assert!(crate::document::read::<Scenario>("scenario", &wrong).is_err());
}

/// A small remote model is no advice where its cascade costs more than the strong one alone.
#[test]
fn advice_is_never_dearer_than_what_it_advises_against() {
    let mut scenario = delivered();
    scenario.requests_per_month = 3_000;
    scenario.remote = price(1_000_000, 1_000_000);
    scenario.cheap = Some(price(900_000, 900_000));
    let c = compare(&scenario, 0.2, Some(0.5)).unwrap();
    assert!(c.cascade.unwrap().total > c.all_remote.total && c.with_local.total > 0);
    assert!(c.requests_per_device < c.break_even_per_device, "delivery does not pay");
    assert_eq!(c.advice, Advice::AllRemote);
    assert_eq!(compare(&scenario, 0.2, Some(0.05)).unwrap().advice, Advice::SmallRemote);
}

#[test]
fn shares_are_rounded_up_and_by_nothing_else() {
    for amount in [0, 1, 7, 300_300_000_000_000, 1 << 52] {
        assert_eq!(scaled(amount, 1.0).unwrap(), amount);
    }
    assert_eq!(
        (scaled(3, 0.1 * 3.0 / 0.9).unwrap(), scaled(10, 0.1 + 0.2).unwrap()),
        (1, 3)
    );
    assert_eq!(
        (scaled(10, 0.31).unwrap(), scaled(1_000_000, 0.000_000_1).unwrap()),
        (4, 1)
    );
}

#[test]
fn prices_of_different_currencies_are_refused() {
    for hosted in [false, true] {
        let mut scenario = article();
        let yen = Some(Price {
            currency: "JPY".into(),
            ..small()
        });
        if hosted {
            scenario.hosted = yen
        } else {
            scenario.cheap = yen
        }
        let error = compare(&scenario, 0.1, None).unwrap_err().to_string();
        let path = if hosted {
            "scenario.hosted.currency: "
        } else {
            "scenario.cheap.currency: "
        };
        assert!(error.starts_with(path), "{error}");
    }
}
