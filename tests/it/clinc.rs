//! A hundred rows of CLINC150 through desk: what the golden of tools/goldens/clinc.py says of them, to which browsers are held, too.

use std::ops::ControlFlow;
use std::rc::Rc;

use kinglet::platform::{ByteSource, FileSource};
use kinglet::session::{ChooseOptions, Request, Session};
use pollster::block_on;
use serde_json::{Value, json};

use crate::loaded::cpu;
use crate::support::{root, shared};

/// Another processor's order of sums: see docs/signals.md.
const TOLERANCE: f64 = 1e-3;

fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON")
}

#[test]
fn a_hundred_rows_are_as_the_golden_says() {
    let Some(texts) = shared("intents/clinc150_train_val.json") else {
        return;
    };
    let (texts, golden) = (read(&texts), read(&root().join("tests/goldens/clinc-100.json")));
    let model = root().join("models/desk/desk.gguf");
    let model: Rc<dyn ByteSource> = Rc::new(FileSource::open(model.to_str().expect("a path")).expect("opens"));
    let mut session = block_on(Session::load(vec![model], &cpu(), &mut |_| ControlFlow::Continue(()))).expect("loads");
    let given = golden["labels"]
        .as_array()
        .expect("labels")
        .iter()
        .map(|l| l.as_str().expect("a text"));
    let offered: Vec<String> = given.chain(["none of these"]).map(str::to_owned).collect();
    let labels = session.labels(&offered).expect("labels");
    let options = ChooseOptions {
        none: Some(offered.len() - 1),
        ..ChooseOptions::default()
    };
    let rows = golden["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 100);
    let mut worst: f64 = 0.0;
    for row in rows {
        let place = row["at"].as_u64().expect("a place") as usize;
        let text = texts[row["side"].as_str().expect("a side")][place][0]
            .as_str()
            .expect("a text");
        let prompt = format!("classify: {}\nmessage: {}", offered.join(", "), text.trim());
        let body = json!({"messages": [{"role": "user", "content": prompt}]});
        let input = Request::chat(&body).expect("a request").input;
        let choice = block_on(session.choose(&input, &labels, &options)).expect("a choice");
        assert_eq!(offered[choice.best], row["label"].as_str().expect("a label"), "{text}");
        let got = json!(choice.signals);
        for name in ["label_max", "label_margin", "label_mass", "label_none", "prompt_tokens"] {
            let (got, want) = (got[name].as_f64().expect(name), row[name].as_f64().expect(name));
            worst = worst.max((got - want).abs());
            assert!((got - want).abs() <= TOLERANCE, "{text}: {name} is {got}, not {want}");
        }
    }
    let right = rows.iter().filter(|row| row["right"] == true).count();
    assert!(
        (60..100).contains(&right),
        "the rows are neither all easy nor all hard: {right}"
    );
    assert!(worst > 0.0, "the golden has six digits");
}
