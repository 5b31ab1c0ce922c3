//! A cell of the CPU bench as lines for people.

use serde_json::Value;

/// Prints the figures of one file with one number of threads.
pub fn print(cell: &str, figures: &Value) {
    let (chromium, wllama) = (text(&figures["chromium"]), text(&figures["wllama"]));
    let kinglet = text(&figures["info"]["kinglet"]["adapter"]);
    println!("\n{cell} (Chromium {chromium}, wllama {wllama}, kinglet on {kinglet})");
    println!(
        "{:24}{:>10}{:>10}  {:24}{:>10}",
        "", "kinglet", "wllama", "ratio of pairs", "llama.cpp"
    );
    let native = &figures["llama_cpp"];
    for (name, key) in [
        ("prefill tok/s", "prefill_tokens_per_s"),
        ("decode tok/s", "decode_tokens_per_s"),
    ] {
        pair(name, &figures[key], &native[key]);
    }
    pair("processor s per run", &figures["processor_s"], &Value::Null);
    let rate = &figures["decode_gb_per_s"];
    line(
        "decode GB/s of weights",
        &rate["kinglet"],
        &rate["wllama"],
        "",
        &Value::Null,
    );
    for (tokens, times) in figures["first_token_ms"].as_object().into_iter().flatten() {
        pair(&format!("first token of {tokens}, ms"), times, &Value::Null);
    }
    pair("load, ms", &figures["load_ms"], &Value::Null);
    let memory = |engine: &str, kind: &str, what: &str| mib(&figures["memory"][engine][kind][what]);
    for (name, kind) in [("renderer peak, MiB", "renderer"), ("browser peak, MiB", "browser")] {
        let [ours, theirs] = ["kinglet", "wllama"].map(|engine| memory(engine, kind, "peak_rss"));
        line(name, &ours, &theirs, "", &Value::Null);
    }
    let checked = &figures["validation"];
    println!(
        "validated: {} log-probabilities differ by {} on average, {} at most; others used {} processors\n",
        checked["compared"],
        number(&checked["mean"], 4),
        number(&checked["max"], 3),
        number(&figures["others_processors"]["median"], 2)
    );
    for (module, speeds) in figures["speeds"].as_object().into_iter().flatten() {
        println!(
            "{module}: plain streaming read {} GB/s",
            number(&speeds["streaming"], 1)
        );
        for (matrix, speed) in speeds["kernels"].as_object().into_iter().flatten() {
            println!("  {matrix:24} {} GB/s", number(speed, 1));
        }
    }
}

/// Medians of both engines, and the median, least and largest ratio within a round.
fn pair(name: &str, figures: &Value, native: &Value) {
    let ratio = &figures["ratio"];
    let ratio = match ratio["n"].as_u64() {
        Some(n) => format!(
            "{} ({}..{}, n {n})",
            number(&ratio["median"], 2),
            number(&ratio["min"], 2),
            number(&ratio["max"], 2)
        ),
        None => String::new(),
    };
    line(
        name,
        &figures["kinglet"]["median"],
        &figures["wllama"]["median"],
        &ratio,
        native,
    );
}

fn line(name: &str, ours: &Value, theirs: &Value, ratio: &str, native: &Value) {
    let [ours, theirs, native] = [ours, theirs, native].map(|value| number(value, 1));
    println!("{name:24}{ours:>10}{theirs:>10}  {ratio:24}{native:>10}");
}

fn mib(bytes: &Value) -> Value {
    bytes
        .as_f64()
        .map_or(Value::Null, |bytes| (bytes / f64::from(1 << 20)).into())
}

/// Empty where there is none.
fn number(value: &Value, digits: usize) -> String {
    value
        .as_f64()
        .map_or_else(String::new, |value| format!("{value:.digits$}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
