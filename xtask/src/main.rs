//! `cargo xtask <command>`: everything this repository can do, in plain Rust, with no globally installed tools.

mod bench;
mod full_size;
mod pkg;
mod serve;
mod setup;
mod sh;
mod size;
mod test;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask start [--model PATH|URL] [--port N] [--dev]   build, serve the page on localhost, print its address
cargo xtask pkg [--dev]                                   build the npm package (pkg/wasm and pkg/dist), print sizes
cargo xtask full-size                                     write a file of exact Phi-3-mini shape (2.4 GB, seeded), print its path
cargo xtask test [PART…] [--adapter NAME]                 run every test; PART: checks, rust, web
cargo xtask soak [PART…]                                  the same with the large counts (hours)
cargo xtask bench [FILE] [--full-size] [--adapter NAME]   speed and memory, natively and in Chromium

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
        "bench" => {
            let options = bench::Options {
                full_size: rest.flag("--full-size"),
                adapters: rest.values("--adapter")?,
                file: rest.0.pop_if(|arg| !arg.starts_with("--")).map(Into::into),
            };
            rest.done()?;
            bench::run(&options)
        }
        "full-size" => {
            rest.done()?;
            println!("{}", full_size::ensure()?.display());
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

/// The arguments that have not been understood yet.
struct Args(Vec<String>);

impl Args {
    /// Takes `name`; true if it was there.
    fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|a| a != name);
        self.0.len() != before
    }

    /// Takes `name VALUE` or `name=VALUE`.
    fn value(&mut self, name: &str) -> Result<Option<String>> {
        if let Some(i) = self.0.iter().position(|a| a == name) {
            if i + 1 == self.0.len() {
                bail!("{name} needs a value\n\n{USAGE}");
            }
            self.0.remove(i);
            return Ok(Some(self.0.remove(i)));
        }
        let prefix = format!("{name}=");
        let at = self.0.iter().position(|a| a.starts_with(&prefix));
        Ok(at.map(|i| self.0.remove(i)[prefix.len()..].to_string()))
    }

    /// Takes every `name VALUE`.
    fn values(&mut self, name: &str) -> Result<Vec<String>> {
        let mut values = Vec::new();
        while let Some(value) = self.value(name)? {
            values.push(value);
        }
        Ok(values)
    }

    fn profile(&mut self) -> pkg::Profile {
        if self.flag("--dev") {
            pkg::Profile::Dev
        } else {
            pkg::Profile::Release
        }
    }

    /// Fails if anything is left.
    fn done(&self) -> Result<()> {
        match self.0.first() {
            Some(arg) => bail!("unknown argument {arg}\n\n{USAGE}"),
            None => Ok(()),
        }
    }
}
