//! The native tool: the same crate that runs in the browser, for people and for tests.

mod args;
mod bench;
mod constraint;
mod embed;
mod eval;
mod inspect;
mod kernels;
mod open;
mod output;
mod overhead;
mod quantize;
mod route;
mod run;
mod serve;
mod speculation;
mod text;
mod verify;

use args::{Cli, Command};
use clap::Parser;
use kinglet::{Error, Result};

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // --help and --version are answers, not errors.
        Err(e) if !e.use_stderr() => {
            print!("{e}");
            return std::process::ExitCode::SUCCESS;
        }
        Err(e) => {
            let error = Error::invalid("command line", "a command of kinglet --help", e.to_string().trim());
            return fail(&error.to_json());
        }
    };
    match run(cli.command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => fail(&e.to_json()),
    }
}

fn run(command: Command) -> route::Result<()> {
    let done: Result<()> = match command {
        Command::Route(command) => return route::run(&command),
        Command::Inspect { file, ctx } => inspect::inspect(&file, ctx),
        Command::Tokenize { file, special, bos } => text::tokenize(&file, special, bos),
        Command::Detokenize { file, special } => text::detokenize(&file, special),
        Command::Render {
            file,
            bos_token,
            eos_token,
            now,
        } => text::render(&file, bos_token, eos_token, now),
        Command::Generate(options) => run::generate(&options),
        Command::Serve(options) => serve::serve(&options),
        Command::Score { model } => run::score(&model),
        Command::Embed { model, pooling } => embed::embed(&model, pooling.as_deref()),
        Command::Eval(options) => eval::eval(&options),
        Command::Bench {
            model,
            prompt_tokens,
            generate,
            repeat,
            requests,
            likely,
            signals,
            compare,
        } => match (requests, signals) {
            _ if let Some(prompts) = &likely => bench::likely(&model, prompts),
            _ if let Some(requests) = &compare => speculation::compare(&model, requests, repeat),
            (Some(requests), _) => bench::requests(&model, &requests, repeat),
            (_, Some(pairs)) => overhead::signals(&model, prompt_tokens, generate, pairs.max(1)),
            _ => bench::bench(&model, prompt_tokens, generate, repeat),
        },
        Command::Kernels { plan } => kernels::kernels(&plan),
        Command::Quantize(options) => quantize::quantize(&options),
        Command::Verify { file, cpu_only } => verify::verify(&file, cpu_only),
    };
    Ok(done?)
}

/// Every failure looks the same: `{code, message, detail}` on standard error, exit code 1.
fn fail(error: &serde_json::Value) -> std::process::ExitCode {
    eprintln!("{error}");
    std::process::ExitCode::from(1)
}
