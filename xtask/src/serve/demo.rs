//! `cargo xtask start --demo`: a bigger model for the page to ask, on this machine. `kinglet serve desk` stands in for a large
//! model, the relay is before it with a budget, and what lies between the page and the relay can be cut. Nothing of it needs a key or
//! a network; prices are invented.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::wire::Wire;
use crate::sh;

/// What clients call the bigger model.
const MODEL: &str = "desk";
/// Invented: what a large model has cost at some time, in micro-units a million tokens.
const PRICE: [u64; 2] = [2_500_000, 10_000_000];
const AS_OF: &str = "2026-11-22";

/// The programs that run beside the page's server.
pub struct Demo {
    /// What /model.json says under `demo`.
    pub preset: Value,
    pub wire: Arc<Wire>,
    _children: [Guarded; 2],
}

impl Demo {
    /// Builds the programs and starts them; `page` is the port of the page's server.
    pub fn start(page: u16) -> Result<Demo> {
        let packages = ["--package=kinglet-cli", "--package=kinglet-relay"];
        sh::run(sh::cargo().arg("build").args(packages))?;
        let programs = sh::target_dir().join("debug");
        let folder = sh::target_dir().join("demo");
        let _ = fs::remove_dir_all(&folder); // nobody has spent anything yet
        fs::create_dir_all(&folder).context("target/demo")?;

        let mut serve = sh::cmd(&programs.join("kinglet").to_string_lossy());
        serve.args(["serve", MODEL, "--name", MODEL, "--port", "0", "--backend", "cpu"]);
        serve.env("KINGLET_MODELS", sh::root().join("models/desk"));
        let (serve, said) = Guarded::start(serve.stdout(Stdio::piped()), |child| child.stdout.take(), "listening")?;
        let upstream = said["listening"].as_str().context("kinglet serve gave no address")?;

        let config = folder.join("relay.toml");
        let token = sh::hex(&random()?);
        let digest = sh::hex(&sha2::Digest::finalize(
            <sha2::Sha256 as sha2::Digest>::new_with_prefix(&token),
        ));
        fs::write(&config, configuration(page, upstream, &digest, &folder.join("state"))).context("relay.toml")?;
        let mut relay = sh::cmd(&programs.join("kinglet-relay").to_string_lossy());
        relay.arg("serve").arg(&config);
        let (relay, said) = Guarded::start(relay.stderr(Stdio::piped()), |child| child.stderr.take(), "address")?;
        let address: SocketAddr = said["address"].as_str().context("the relay gave no address")?.parse()?;

        let (wire, port) = Wire::new(address)?;
        Ok(Demo {
            preset: json!({
                "baseURL": format!("http://localhost:{port}/v1"),
                "token": token,
                "model": MODEL,
                "price": { "inputPerMillion": PRICE[0], "outputPerMillion": PRICE[1], "currency": "USD", "asOf": AS_OF },
                "network": "demo/network",
            }),
            wire,
            _children: [relay, serve],
        })
    }
}

/// The relay's: one user, known by the digest of the page's token, and a dollar a day.
fn configuration(page: u16, upstream: &str, digest: &str, state: &Path) -> String {
    let [input, output] = PRICE;
    format!(
        r#"listen = "127.0.0.1:0"
origins = ["http://localhost:{page}", "http://127.0.0.1:{page}"]
state = {state:?}
users = [{{ sha256 = "{digest}", user = "visitor", tier = "demo" }}]
budget = {{ currency = "USD", perDay = 1_000_000, perMonth = 1_000_000 }}

[tiers.demo]
perDay = 1_000_000
perMonth = 1_000_000
requestsPerMinute = 600
tokensPerMinute = 10_000_000
maxTokens = 512
models = ["{MODEL}"]

[upstreams.stand-in]
api = "openai"
baseURL = "{upstream}"

[upstreams.stand-in.models.{MODEL}]
model = "{MODEL}"
overheadTokens = 64
price = {{ inputPerMillion = {input}, outputPerMillion = {output}, currency = "USD", asOf = "{AS_OF}" }}
"#
    )
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A child that ends with this process, however that ends.
struct Guarded {
    child: Child,
    watch: Child,
}

impl Guarded {
    /// Starts a program, and waits for its line of JSON that has `field`; what it says after that is dropped.
    fn start<R: Read + Send + 'static>(
        command: &mut Command,
        output: impl Fn(&mut Child) -> Option<R>,
        field: &str,
    ) -> Result<(Guarded, Value)> {
        let shown = sh::show(command);
        let mut child = command.stdin(Stdio::null()).spawn().with_context(|| shown.clone())?;
        let lines = BufReader::new(output(&mut child).context("no output")?);
        // It reads until this process has closed the pipe, which the system does where nobody else can.
        let mut watch = Command::new("sh");
        watch.args(["-c", "read _; kill $0 2>/dev/null", &child.id().to_string()]);
        let watch = watch.stdin(Stdio::piped()).spawn().context("sh")?;
        let guarded = Guarded { child, watch };
        let mut lines = lines.lines().map_while(Result::ok);
        let found = lines.find_map(|line| {
            let said: Option<Value> = serde_json::from_str(&line).ok();
            said.filter(|said| !said[field].is_null()).or_else(|| {
                eprintln!("{line}");
                None
            })
        });
        let Some(said) = found else {
            bail!("`{shown}` has ended");
        };
        std::thread::spawn(move || lines.for_each(drop));
        Ok((guarded, said))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        for process in [&mut self.watch, &mut self.child] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_ends_with_what_guards_it() -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", r#"echo noise; echo '{"ready":7}'; exec sleep 600"#]);
        let (mut guarded, said) = Guarded::start(command.stdout(Stdio::piped()), |child| child.stdout.take(), "ready")?;
        assert_eq!(said["ready"], 7);
        drop(guarded.watch.stdin.take()); // as when this process dies
        guarded.watch.wait()?;
        assert!(!guarded.child.wait()?.success());
        let mut silent = Command::new("true");
        assert!(Guarded::start(silent.stdout(Stdio::piped()), |child| child.stdout.take(), "ready").is_err());
        Ok(())
    }
}
