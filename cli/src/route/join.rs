//! `kinglet route join`: two or three models on the same tasks become rows.

use std::collections::HashMap;
use std::path::Path;

use kinglet_route::calibrate::Selected;
use kinglet_route::evaluate::row::Costs;
use kinglet_route::evaluate::{self, Row};
use kinglet_route::price::Price;
use kinglet_route::signals::Signals;
use kinglet_route::{RouteError, document};
use serde_json::{Value, json};

use super::{Result, args, text};
use crate::output;

/// Items by id, in the order of the file.
struct Items {
    order: Vec<String>,
    by_id: HashMap<String, Value>,
}

pub fn join(options: &args::Join) -> Result<()> {
    let local = items(&options.local)?;
    let remote = items(&options.remote)?;
    let cheap = options.cheap.as_deref().map(items).transpose()?;
    let remote_price = options.remote_price.as_deref().map(price).transpose()?;
    let cheap_price = options.cheap_price.as_deref().map(price).transpose()?;
    let mut lines = String::new();
    for id in &local.order {
        let (item, strong) = (&local.by_id[id], local.partner(&remote, id)?);
        let cheap = cheap.as_ref().map(|cheap| local.partner(cheap, id)).transpose()?;
        let costs = |price: &Price| -> Result<Costs> {
            Ok(Costs {
                local: 0,
                remote: cost(price, strong, id)?,
                cheap: cheap
                    .zip(cheap_price.as_ref())
                    .map(|(item, price)| cost(price, item, id))
                    .transpose()?,
            })
        };
        let costs = remote_price.as_ref().map(costs).transpose()?;
        let row = Row {
            id: id.clone(),
            task: string(item, "task", id)?,
            group: None,
            signals: Some(signals(item, id)?),
            score: None,
            p_error: None,
            local_ok: correct(item, id)?,
            remote_ok: Some(correct(strong, id)?),
            cheap_ok: cheap.map(|item| correct(item, id)).transpose()?,
            cheap_score: None,
            grades: None,
            costs,
            prompt_chars: None,
            prompt_tokens: None,
            label_source: Some(kinglet_route::profile::LabelSource::Exact),
            class: None,
            text_digest: None,
            time: None,
            selected: Some(Selected::All),
            local_ms: milliseconds(item),
            texts: None,
        };
        lines += &json!(row).to_string();
        lines.push('\n');
    }
    // What is written is what will be read.
    for row in evaluate::read(&lines)? {
        output::line(&json!(row))?;
    }
    Ok(())
}

impl Items {
    /// The other model's item of the same task.
    fn partner<'a>(&self, other: &'a Items, id: &str) -> Result<&'a Value> {
        let (mine, found) = (&self.by_id[id], other.by_id.get(id));
        let Some(found) = found else {
            return Err(RouteError::invalid(id, "an item of the same id in every file", "none").into());
        };
        if mine["expected"] != found["expected"]
            || mine["task"] != found["task"]
            || self.order.len() != other.order.len()
        {
            let got = "another task, another answer expected, or another number of items";
            return Err(RouteError::invalid(id, "items of one task file", got).into());
        }
        Ok(found)
    }
}

/// Items of `kinglet eval`; its summaries are passed over.
fn items(path: &Path) -> Result<Items> {
    let (mut order, mut by_id) = (Vec::new(), HashMap::new());
    for (i, line) in text(path)?.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let at = format!("{}, line {}", path.display(), i + 1);
        let item: Value = document::read(&at, line)?;
        if item.get("summary").is_some() {
            continue;
        }
        let id = match &item["id"] {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            other => return Err(RouteError::invalid(format!("{at}: id"), "an id", other).into()),
        };
        if by_id.insert(id.clone(), item).is_some() {
            return Err(RouteError::invalid(format!("{at}: id"), "an id of its own", id).into());
        }
        order.push(id);
    }
    match order.is_empty() {
        true => Err(RouteError::invalid(path.display().to_string(), "at least one item", "none").into()),
        false => Ok(Items { order, by_id }),
    }
}

/// Those of an item's signals that decisions know; the others are for people.
fn signals(item: &Value, id: &str) -> Result<Signals> {
    let mut known = json!(Signals::default());
    if let (Some(known), Some(given)) = (known.as_object_mut(), item["signals"].as_object()) {
        for (name, value) in known.iter_mut() {
            if let Some(given) = given.get(name) {
                *value = given.clone();
            }
        }
    }
    Ok(document::read(&format!("{id}.signals"), &known.to_string())?)
}

/// How long the local answer took, where the item says so.
fn milliseconds(item: &Value) -> Option<f64> {
    let part = |name: &str| item["signals"][name].as_f64();
    part("prefill_ms")
        .zip(part("decode_ms"))
        .map(|(prefill, decode)| prefill + decode)
}

fn correct(item: &Value, id: &str) -> Result<bool> {
    let correct = item["correct"].as_bool();
    Ok(correct.ok_or_else(|| RouteError::invalid(format!("{id}.correct"), "true or false", &item["correct"]))?)
}

fn string(item: &Value, key: &str, id: &str) -> Result<String> {
    let text = item[key].as_str().map(str::to_owned);
    Ok(text.ok_or_else(|| RouteError::invalid(format!("{id}.{key}"), "a text", &item[key]))?)
}

fn price(path: &Path) -> Result<Price> {
    let price: Price = document::read("price", &text(path)?)?;
    price.check("price")?;
    Ok(price)
}

/// What this item's tokens cost; an item that does not say how many they were is not free.
fn cost(price: &Price, item: &Value, id: &str) -> Result<u64> {
    let tokens = |name: &str| {
        let tokens = item["signals"][name].as_u64();
        let path = || format!("{id}.signals.{name}");
        tokens.ok_or_else(|| {
            RouteError::invalid(
                path(),
                "a number of tokens, for there is a price",
                &item["signals"][name],
            )
        })
    };
    Ok(price.cost(tokens("prompt_tokens")?, tokens("generated_tokens")?))
}
