//! The program itself: what it checks, makes and asks.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use kinglet_relay::token::{Door, hash};

use super::support::*;

fn run(args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kinglet-relay"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_check_make_and_ask() {
    let folder = Folder::new();
    let text = config(&folder, "127.0.0.1:9".parse().unwrap());
    let file = folder.file("relay.toml", &text);
    let file = file.to_str().unwrap();
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();

    assert!(run(&["check", file], "").status.success());
    let bad = folder.file("bad.toml", &text.replace("maxTokens = 100", "maxToken = 100"));
    let out = run(&["check", bad.to_str().unwrap()], "");
    assert!(
        !out.status.success() && text_of(&out.stderr).contains("tiers.free"),
        "{out:?}"
    );
    let out = run(&["serve", "nowhere.toml"], "");
    assert!(!out.status.success() && text_of(&out.stderr).contains("nowhere.toml"));

    let out = run(&["token", file, "ann", "free", "60"], "");
    let door = Door::new(&kinglet_relay::Config::parse(&text).unwrap()).unwrap();
    let now = kinglet_relay::time::now_ms() / 1000;
    assert_eq!(door.user(&text_of(&out.stdout), now).unwrap().id, "ann");
    for args in [
        ["token", file, "ann", "gold", "60"],
        ["token", file, "", "free", "60"],
        ["token", file, "ann", "free", "999999"],
    ] {
        let out = run(&args, "");
        assert!(!out.status.success() && out.stdout.is_empty(), "{args:?}");
    }
    assert_eq!(text_of(&run(&["hash"], "a-token\n").stdout), hash("a-token"));
    assert!(!run(&["delete", "everything"], "").status.success());

    let relay = Running::start(&text).await;
    let address = relay.address.to_string();
    assert!(run(&["health", &address], "").status.success());
    assert!(!run(&["health", "127.0.0.1:1"], "").status.success());
    let out = run(&["serve", file], "");
    assert!(
        text_of(&out.stderr).contains("another relay"),
        "one folder, one relay: {out:?}"
    );
}
