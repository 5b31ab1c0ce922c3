//! `cargo xtask <command>`: everything this repository can do, in plain Rust, with no globally installed tools.

mod args;
mod audit;
mod bench;
mod exports;
mod notices;
mod offline;
mod pkg;
mod python;
mod release;
mod scope;
mod serve;
mod setup;
mod sh;
mod shape;
mod site;
mod size;
mod test;

use anyhow::{Result, bail};
use args::Args;

const USAGE: &str = "\
cargo xtask start [--model PATH|URL | --demo] [--port N] [--plain] [--dev]
                                                          build, serve the page on localhost, print its address;
                                                          without --model with the project's own, models/desk/desk.gguf;
                                                          --plain: not cross-origin isolated, as on a static host;
                                                          --demo: with a bigger model beside it, and a tour
cargo xtask pkg [--dev]                                   build the npm package (pkg/wasm and pkg/dist), print sizes
cargo xtask full-size [--params P] [--format F]           write a file of exact Phi-3-mini shape (2.4 GB, seeded), print its
                                                          path; P: 0.13, 0.5, 0.65, 3.8; F: Q4_0, Q8_0, Q4_K_M
cargo xtask test [PART…] [--adapter NAME]                 run every test; PART: checks, rust, python, web
cargo xtask soak [PART…]                                  the same with the large counts (hours)
cargo xtask audit [--strict]                              licences and sources of all crates, known weaknesses of crates and
                                                          npm tools; --strict: what cannot be asked here is a failure
cargo xtask release [--tag TAG] [--repository URL]        write target/release-files: tarballs, a static site, checksums;
                                                          ask npm whether it would publish: docs/releasing.md
cargo xtask bench [FILE] [--full-size] [--adapter NAME]   speed and memory, natively and in Chromium
cargo xtask bench --backend cpu [options]                 paired with wllama in one Chromium: docs/benchmarking.md
cargo xtask bench --runner native,node,chromium,firefox [options]
                                                          kernels and models on the GPU: docs/benchmarks.md
cargo xtask bench --grammar [--rounds N] [--save NAME]    how much slower answers under a grammar are

--adapter runs the GPU tests on lavapipe, swiftshader or system (whatever Vulkan finds); without it on the first two.
--dev builds in seconds instead of minutes: a larger and slower module.";

fn main() {
    if let Some(code) = test::rustdoc_shim() {
        std::process::exit(code);
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = dispatch(&args) {
        eprintln!("xtask: {error:#}");
        std::process::exit(1);
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((command, rest)) = args.split_first() else {
        bail!("no command given\n\n{USAGE}");
    };
    let mut rest = Args(rest.to_vec());
    match command.as_str() {
        "start" => {
            let options = serve::Options {
                model: rest.value("--model")?,
                port: rest.value("--port")?.map(|p| p.parse()).transpose()?,
                plain: rest.flag("--plain"),
                demo: rest.flag("--demo"),
                profile: rest.profile(),
            };
            rest.done()?;
            serve::start(&options)
        }
        "pkg" => {
            let profile = rest.profile();
            rest.done()?;
            pkg::build(profile)
        }
        "audit" => {
            let strict = if rest.flag("--strict") {
                audit::Strictness::AllMustBeAsked
            } else {
                audit::Strictness::UnaskedIsSaid
            };
            rest.done()?;
            audit::run(strict)
        }
        "bench" => {
            match rest.value("--backend")?.as_deref() {
                Some("cpu") => return bench::cpu::run(rest),
                Some(other) => bail!("--backend {other}: only cpu; without it all backends run"),
                None => {}
            }
            if let Some(runners) = rest.list("--runner")? {
                return bench::gpu::run(&runners, rest);
            }
            if rest.flag("--grammar") {
                return bench::grammar::run(rest);
            }
            let options = bench::Options {
                full_size: rest.flag("--full-size"),
                adapters: rest.values("--adapter")?,
                file: rest.0.pop_if(|arg| !arg.starts_with("--")).map(Into::into),
            };
            rest.done()?;
            bench::run(&options)
        }
        "full-size" => {
            let params = rest.value("--params")?;
            let format = rest.value("--format")?;
            rest.done()?;
            let shape = shape::named(params.as_deref().unwrap_or("3.8"))?;
            let path = shape.ensure(shape::Mix::named(format.as_deref().unwrap_or("Q4_K_M"))?)?;
            println!("{}", path.display());
            Ok(())
        }
        "release" => {
            let options = release::Options {
                tag: rest.value("--tag")?,
                repository: rest.value("--repository")?,
                profile: rest.profile(),
            };
            rest.done()?;
            release::run(&options)?;
            Ok(())
        }
        "test" => run_tests(test::Size::Small, rest),
        "soak" => run_tests(test::Size::Soak, rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("unknown command {other}\n\n{USAGE}"),
    }
}

fn run_tests(size: test::Size, mut rest: Args) -> Result<()> {
    let adapters = rest.values("--adapter")?;
    let mut parts = Vec::new();
    while let Some(part) = rest.0.first().and_then(|text| test::Part::parse(text)) {
        rest.0.remove(0);
        parts.push(part);
    }
    rest.done()?;
    // The count is the last line of a run's output, so a failure says nothing more.
    if !test::run(&test::Options { size, parts, adapters })? {
        std::process::exit(1);
    }
    Ok(())
}
