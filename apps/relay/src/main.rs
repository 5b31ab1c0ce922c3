//! `kinglet-relay`: serves, checks a configuration, and makes tokens.

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use kinglet_relay::secret::Source;
use kinglet_relay::token::{self, Claims};
use kinglet_relay::{Config, Relay, log, server, time, upstream};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "kinglet-relay: a relay between apps and a large model

    kinglet-relay serve FILE                         serves as the configuration FILE says
    kinglet-relay check FILE                         reads it, its secrets too, and says what is wrong
    kinglet-relay token FILE USER TIER SECONDS       a token for USER that is valid for SECONDS, signed as FILE says
    kinglet-relay hash                               SHA-256 of the token on stdin, for a list of users
    kinglet-relay health ADDRESS                     whether a relay answers at ADDRESS, as 127.0.0.1:8787
";

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let mut args: VecDeque<String> = std::env::args().skip(1).collect();
    let command = args.pop_front().unwrap_or_default();
    let outcome = match (command.as_str(), args.make_contiguous()) {
        ("serve", [file]) => serve(file),
        ("check", [file]) => check(file),
        ("token", [file, user, tier, seconds]) => make_token(file, user, tier, seconds),
        ("hash", []) => hash(),
        ("health", [address]) => health(address),
        ("--help" | "help", []) => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("unknown command\n\n{HELP}").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinglet-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All that is not the account, which a running relay may have.
fn check(file: &str) -> Outcome {
    let config = Config::read(Path::new(file))?;
    token::Door::new(&config)?;
    upstream::services(&config)?;
    Ok(())
}

fn serve(file: &str) -> Outcome {
    let relay = Relay::new(Config::read(Path::new(file))?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(relay.config().listen).await?;
        let address = listener.local_addr()?.to_string();
        log::info("listening", &[("address", address.into())]);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        server::serve(relay, listener, stop).await;
        Ok(())
    })
}

fn make_token(file: &str, user: &str, tier: &str, seconds: &str) -> Outcome {
    let config = Config::read(Path::new(file))?;
    let tokens = config.tokens.ok_or("the configuration has no tokens.secret")?;
    let secret = Source::read(&tokens.secret, "tokens.secret", token::SECRET)?;
    token::check_user(user)?;
    if !config.tiers.contains_key(tier) {
        return Err(format!("tier {tier:?} is not one of the configuration's").into());
    }
    let seconds: u64 = seconds.parse()?;
    if seconds > tokens.longest_seconds {
        return Err(format!("tokens are valid for {} seconds at most", tokens.longest_seconds).into());
    }
    let claims = Claims {
        sub: user.into(),
        tier: tier.into(),
        exp: (time::now_ms() / 1000).saturating_add(seconds),
        nbf: None,
        aud: tokens.audience,
    };
    println!(
        "{}",
        token::sign(&claims, &secret).ok_or("the token could not be signed")?
    );
    Ok(())
}

fn hash() -> Outcome {
    let mut token = String::new();
    std::io::stdin().read_to_string(&mut token)?;
    println!("{}", token::hash(token.trim()));
    Ok(())
}

/// For a container's health check: its image has no other program that could ask.
fn health(address: &str) -> Outcome {
    use std::io::Write;
    let patience = Some(std::time::Duration::from_secs(3));
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(patience)?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    if head == *b"HTTP/1.1 200" {
        Ok(())
    } else {
        Err("it does not answer".into())
    }
}
