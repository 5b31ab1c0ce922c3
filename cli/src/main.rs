//! The native tool: the same crate that runs in the browser, for people and for tests.

mod args;
//PARK mod bench;
mod inspect;
mod open;
mod output;
//PARK mod run;
//PARK mod text;
//PARK mod verify;

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
        Err(e) => return fail(&Error::invalid("command line", "a command of kinglet --help", e.to_string().trim())),
    };
    match run(cli.command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => fail(&e),
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Inspect { file, ctx } => inspect::inspect(&file, ctx),
        _ => Ok(()),
        //PARK Command::Tokenize { file, special, bos } => text::tokenize(&file, special, bos),
        //PARK Command::Detokenize { file, special } => text::detokenize(&file, special),
        //PARK Command::Render { file, bos_token, eos_token, now } => text::render(&file, bos_token, eos_token, now),
        //PARK Command::Generate(options) => run::generate(&options),
        //PARK Command::Score { model } => run::score(&model),
        //PARK Command::Bench { model, prompt_tokens, generate, repeat } => bench::bench(&model, prompt_tokens, generate, repeat),
        //PARK Command::Verify { file, cpu_only } => verify::verify(&file, cpu_only),
    }
}

/// Every failure looks the same: `{code, message, detail}` on standard error, exit code 1.
fn fail(error: &Error) -> std::process::ExitCode {
    eprintln!("{}", error.to_json());
    std::process::ExitCode::from(1)
}
