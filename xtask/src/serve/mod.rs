//! `cargo xtask start`: builds the package and serves the page on localhost.
//!
//! `/` is www/, `/pkg/` is pkg/, `/model.json` says which model the page begins with (the project's own, or what `--model`
//! named), `/models/` holds its files, the project's own and the catalogue. `/offline.json` says what the page's service worker
//! keeps: as in a release, or with `--dev` and `--demo` nothing.
//! `/peers/` holds what www/bench.html compares with, where it is installed: a development dependency.
//! Answers carry a strict Content-Security-Policy, and COOP/COEP, which make the page cross-origin isolated: then threads
//! share memory. `--plain` leaves those out, as on a static host: the package works there too. A model on another origin
//! needs CORS in both cases, because it is fetched.

mod demo;
mod http;
mod model;
mod wire;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::{offline, pkg, sh, site};
use demo::Demo;
use http::{Range, mime, parse_range, percent_decode};
use model::Model;

/// What `cargo xtask start` was asked for.
pub struct Options {
    /// A GGUF file (or the first of a split one), or a URL that the browser will fetch; none: the project's own model.
    pub model: Option<String>,
    pub port: Option<u16>,
    /// Without the headers that isolate the page.
    pub plain: bool,
    /// With a bigger model beside it that the page may ask, and the tour.
    pub demo: bool,
    pub profile: pkg::Profile,
}

/// Tried first, so that the address is the same from run to run; any free port is taken if it is in use.
const PORT: u16 = 8765;
/// More than one, because a browser loads files in parallel and holds its connections open.
const THREADS: usize = 8;

/// Builds, serves until interrupted.
pub fn start(options: &Options) -> Result<()> {
    if options.demo && options.model.is_some() {
        bail!("--demo has models of its own: leave --model out");
    }
    let model = if options.demo {
        Model::Nano
    } else {
        Model::new(options.model.as_deref())?
    };
    let server = Arc::new(listen(options.port)?); // before the build: a port in use is said at once
    pkg::build(options.profile)?;
    let demo = match server.server_addr().to_ip() {
        Some(address) if options.demo => Some(Demo::start(address.port())?),
        _ => None,
    };
    let site = Arc::new(Site::new(model, !options.plain, options.profile, demo)?);
    if let Some(remark) = site.model.remark() {
        println!("\n{remark}");
    }
    if let Some(address) = server.server_addr().to_ip() {
        println!("\nhttp://localhost:{}/   (Ctrl-C stops)", address.port());
    }
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (server, site) = (server.clone(), site.clone());
            std::thread::spawn(move || {
                for request in server.incoming_requests() {
                    // An error here means that the browser has hung up, which is its right.
                    let _ = site.answer(request);
                }
            })
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
    Ok(())
}

fn listen(port: Option<u16>) -> Result<Server> {
    let bind = |port: u16| Server::http(("127.0.0.1", port));
    let server = match port {
        Some(port) => bind(port),
        None => bind(PORT).or_else(|_| bind(0)),
    };
    server.map_err(|e| anyhow::anyhow!("cannot listen on 127.0.0.1: {e}"))
}

struct Site {
    root: PathBuf,
    model: Model,
    /// Content-Security-Policy of the page, and of the bench's, whose peer needs workers of its own making.
    policy: String,
    bench_policy: String,
    /// The page is to be cross-origin isolated.
    isolated: bool,
    demo: Option<Demo>,
    /// What /model.json and /offline.json answer.
    preset: String,
    list: String,
}

impl Site {
    fn new(model: Model, isolated: bool, profile: pkg::Profile, demo: Option<Demo>) -> Result<Site> {
        let root = sh::root();
        let policy_in = |page: &str| -> Result<String> {
            let html = fs::read_to_string(root.join(page)).with_context(|| page.to_string())?;
            let policy = policy(&html).with_context(|| format!("{page} has no Content-Security-Policy"))?;
            Ok(format!("{policy}; frame-ancestors 'none'")) // which a <meta> cannot say
        };
        let (policy, bench_policy) = (policy_in("www/index.html")?, policy_in("www/bench.html")?);
        let mut preset = model.preset();
        let (preset, list) = match (&demo, profile) {
            (None, pkg::Profile::Release) => offline::write(kept(&root)?, preset)?,
            // Whoever changes the page wants to see the change.
            (None, pkg::Profile::Dev) => (preset.to_string(), offline::nothing()),
            // Another token each time.
            (Some(demo), _) => {
                preset["demo"] = demo.preset.clone();
                (preset.to_string(), offline::nothing())
            }
        };
        Ok(Site {
            root,
            model,
            policy,
            bench_policy,
            isolated,
            demo,
            preset,
            list,
        })
    }

    fn answer(&self, request: Request) -> io::Result<()> {
        let url = request.url().split(['?', '#']).next().unwrap_or("/");
        let path = percent_decode(url);
        if let (Method::Put, "/demo/network", Some(demo)) = (request.method(), path.as_str(), &self.demo) {
            return network(request, demo);
        }
        if !matches!(request.method(), Method::Get | Method::Head) {
            return request.respond(Response::empty(405));
        }
        let generated = match path.as_str() {
            "/model.json" => Some(&self.preset),
            "/offline.json" => Some(&self.list),
            _ => None,
        };
        if let Some(text) = generated {
            let mut response = Response::from_string(text);
            for header in self.headers("application/json", &self.policy)? {
                response.add_header(header);
            }
            return request.respond(response);
        }
        match self.file(&path).and_then(|file| Some((File::open(&file).ok()?, file))) {
            Some((open, file)) => {
                let policy = match path.as_str() {
                    "/bench.html" => &self.bench_policy,
                    _ => &self.policy,
                };
                self.send(request, open, mime(&file), policy)
            }
            None => request.respond(Response::from_string("not found").with_status_code(404)),
        }
    }

    fn file(&self, path: &str) -> Option<PathBuf> {
        if let Some(name) = path.strip_prefix("/models/") {
            return self.model.file(name).or_else(|| own(&self.root, &path[1..]));
        }
        let below = |prefix: &str, folder: &str| path.strip_prefix(prefix).map(|rest| Path::new(folder).join(rest));
        let relative = below("/pkg/", "pkg")
            .or_else(|| below("/peers/", "node_modules/@wllama"))
            .unwrap_or_else(|| Path::new("www").join(path.trim_start_matches('/')));
        if !relative.components().all(|c| matches!(c, Component::Normal(_))) {
            return None;
        }
        let mut file = self.root.join(relative);
        if file.is_dir() {
            file.push("index.html");
        }
        file.is_file().then_some(file)
    }

    /// Sends a file, or the one range of it that was asked for.
    fn send(&self, request: Request, mut file: File, mime: &str, policy: &str) -> io::Result<()> {
        let size = file.metadata()?.len();
        let asked = request.headers().iter().find(|h| h.field.equiv("Range"));
        let range = asked.map(|h| parse_range(h.value.as_str(), size));
        let (status, first, length) = match range {
            None | Some(Range::Ignored) => (200, 0, size),
            Some(Range::Bytes(first, last)) => (206, first, last - first + 1),
            Some(Range::Unsatisfiable) => {
                let header = header("Content-Range", &format!("bytes */{size}"))?;
                return request.respond(Response::empty(416).with_header(header));
            }
        };
        file.seek(SeekFrom::Start(first))?;
        let mut headers = self.headers(mime, policy)?;
        headers.push(header("Accept-Ranges", "bytes")?);
        if status == 206 {
            let last = first + length - 1;
            headers.push(header("Content-Range", &format!("bytes {first}-{last}/{size}"))?);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let body = file.take(length as u64);
        let response = Response::new(status.into(), headers, body, Some(length), None);
        request.respond(response.with_chunked_threshold(usize::MAX)) // always say the length
    }

    fn headers(&self, mime: &str, policy: &str) -> io::Result<Vec<Header>> {
        let mut headers = vec![
            header("Content-Type", mime)?,
            header("Cache-Control", "no-cache")?,
            header("Content-Security-Policy", policy)?,
            header("X-Content-Type-Options", "nosniff")?,
        ];
        if self.isolated {
            // On every file: a worker's script needs the policy of the page that starts it.
            headers.push(header("Cross-Origin-Opener-Policy", "same-origin")?);
            headers.push(header("Cross-Origin-Embedder-Policy", "require-corp")?);
        }
        Ok(headers)
    }
}

/// `on` or `off`: whether the demo's page reaches the relay. (Another site's page cannot send this: no form puts.)
fn network(mut request: Request, demo: &Demo) -> io::Result<()> {
    let mut word = String::new();
    request.as_reader().take(4).read_to_string(&mut word)?;
    if !["on", "off"].contains(&word.as_str()) {
        return request.respond(Response::from_string("expected on or off").with_status_code(400));
    }
    demo.wire.connect(word == "on");
    request.respond(Response::empty(204))
}

/// The page's files, by their addresses.
fn kept(root: &Path) -> Result<Vec<offline::Entry>> {
    let mut files = offline::entries(&root.join("www"), "")?;
    for folder in ["pkg/dist", "pkg/wasm"] {
        files.extend(offline::entries(&root.join(folder), &format!("{folder}/"))?);
    }
    files.extend(own(root, site::CATALOG).map(|file| (site::CATALOG.into(), file)));
    Ok(files)
}

/// A model of the project, or the catalogue, by its address in a site.
fn own(root: &Path, address: &str) -> Option<PathBuf> {
    let all = site::MODELS.into_iter().chain([(site::CATALOG, site::CATALOG)]);
    let found = all.into_iter().find(|(_, to)| *to == address);
    found.map(|(from, _)| root.join(from)).filter(|file| file.is_file())
}

fn header(name: &str, value: &str) -> io::Result<Header> {
    Header::from_bytes(name, value).map_err(|()| io::Error::other(format!("{name}: {value} is not ASCII")))
}

/// The policy that the page itself carries: `<meta http-equiv="Content-Security-Policy" content="…">`.
fn policy(html: &str) -> Option<&str> {
    let (_, rest) = html.split_once("Content-Security-Policy")?;
    let (_, rest) = rest.split_once("content=\"")?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site::new(Model::Missing, true, pkg::Profile::Dev, None).expect("www/index.html")
    }

    #[test]
    fn the_projects_own_models_are_there_whatever_is_loaded() {
        let site = site();
        assert!(site.file("/models/desk-nano.gguf").is_some());
        assert!(site.file("/models/desk.gguf").is_some());
        assert!(site.file("/models/train.py").is_none());
        assert!(site.file("/models/desk/desk.gguf").is_none());
    }

    #[test]
    fn paths_cannot_leave_the_site() {
        let site = site();
        assert!(site.file("/../Cargo.toml").is_none());
        assert!(site.file("/pkg/../Cargo.toml").is_none());
        assert!(site.file("/pkg//etc/passwd").is_none());
        assert!(site.file("/peers/../../Cargo.toml").is_none());
    }

    #[test]
    fn the_page_says_its_policy() {
        let site = site();
        assert!(
            site.policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
            "{}",
            site.policy
        );
        assert_eq!(policy("<meta>"), None);
    }
}
