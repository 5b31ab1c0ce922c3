//! `cargo xtask start`: builds the package and serves the page on localhost.
//!
//! `/` is www/, `/pkg/` is pkg/, `/model.json` says which model `--model` named, `/models/` holds its files.
//! Answers carry a strict Content-Security-Policy, and COOP/COEP, which make the page cross-origin isolated: then threads
//! share memory. `--plain` leaves those out, as on a static host: the package works there too. A model on another origin
//! needs CORS in both cases, because it is fetched.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::{pkg, sh};

/// What `cargo xtask start` was asked for.
pub struct Options {
    /// A GGUF file (or the first of a split one), or a URL that the browser will fetch.
    pub model: Option<String>,
    pub port: Option<u16>,
    /// Without the headers that isolate the page.
    pub plain: bool,
    pub profile: pkg::Profile,
}

/// Tried first, so that the address is the same from run to run; any free port is taken if it is in use.
const PORT: u16 = 8765;
/// More than one, because a browser loads files in parallel and holds its connections open.
const THREADS: usize = 8;

/// Builds, serves until interrupted.
pub fn start(options: &Options) -> Result<()> {
    let model = options.model.as_deref().map(Model::new).transpose()?;
    let server = Arc::new(listen(options.port)?); // before the build: a port in use is said at once
    pkg::build(options.profile)?;
    let site = Arc::new(Site::new(model, !options.plain)?);
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

/// The model that the page offers first.
enum Model {
    Url(String),
    /// Directory and name of the first file; the other parts of a split model lie beside it.
    File(PathBuf, String),
}

impl Model {
    fn new(text: &str) -> Result<Model> {
        let local = text.starts_with("http://localhost:");
        if text.starts_with("https://") || local {
            return Ok(Model::Url(text.into()));
        }
        if text.starts_with("http://") {
            bail!("--model {text}: the page's security policy allows https://, and http:// from localhost only");
        }
        let path = Path::new(text);
        if !path.is_file() {
            bail!("--model {text}: no such file (a URL starts with http:// or https://)");
        }
        let path = path.canonicalize()?;
        let name = path.file_name().context("--model names no file")?;
        let dir = path.parent().context("--model names no file")?;
        Ok(Model::File(dir.into(), name.to_string_lossy().into_owned()))
    }

    fn url(&self) -> String {
        match self {
            Model::Url(url) => url.clone(),
            Model::File(_, name) => format!("/models/{}", percent_encode(name)),
        }
    }

    /// The file behind `/models/{name}`: the model itself or another part of it, nothing else of that directory.
    fn file(&self, name: &str) -> Option<PathBuf> {
        let Model::File(dir, first) = self else { return None };
        let part = name == first || split_stem(name).is_some_and(|stem| split_stem(first) == Some(stem));
        part.then(|| dir.join(name))
    }
}

/// `m` of `m-00001-of-00003.gguf`.
fn split_stem(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".gguf")?;
    let (stem, _count) = stem.rsplit_once("-of-")?;
    let (stem, part) = stem.rsplit_once('-')?;
    part.bytes().all(|b| b.is_ascii_digit()).then_some(stem)
}

struct Site {
    root: PathBuf,
    model: Option<Model>,
    /// Content-Security-Policy.
    policy: String,
    /// The page is to be cross-origin isolated.
    isolated: bool,
}

impl Site {
    fn new(model: Option<Model>, isolated: bool) -> Result<Site> {
        let root = sh::root();
        let html = fs::read_to_string(root.join("www/index.html")).context("www/index.html")?;
        let policy = policy(&html).context("www/index.html has no Content-Security-Policy")?;
        let policy = format!("{policy}; frame-ancestors 'none'"); // which a <meta> cannot say
        Ok(Site {
            root,
            model,
            policy,
            isolated,
        })
    }

    fn answer(&self, request: Request) -> io::Result<()> {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return request.respond(Response::empty(405));
        }
        let url = request.url().split(['?', '#']).next().unwrap_or("/");
        let path = percent_decode(url);
        if path == "/model.json" {
            let url = self.model.as_ref().map(Model::url);
            let body = json!({ "url": url }).to_string();
            let mut response = Response::from_string(body);
            for header in self.headers("application/json")? {
                response.add_header(header);
            }
            return request.respond(response);
        }
        match self.file(&path).and_then(|file| Some((File::open(&file).ok()?, file))) {
            Some((open, file)) => self.send(request, open, mime(&file)),
            None => request.respond(Response::from_string("not found").with_status_code(404)),
        }
    }

    fn file(&self, path: &str) -> Option<PathBuf> {
        if let Some(name) = path.strip_prefix("/models/") {
            return self.model.as_ref()?.file(name);
        }
        let relative = match path.strip_prefix("/pkg/") {
            Some(rest) => Path::new("pkg").join(rest),
            None => Path::new("www").join(path.trim_start_matches('/')),
        };
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
    fn send(&self, request: Request, mut file: File, mime: &str) -> io::Result<()> {
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
        let mut headers = self.headers(mime)?;
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

    fn headers(&self, mime: &str) -> io::Result<Vec<Header>> {
        let mut headers = vec![
            header("Content-Type", mime)?,
            header("Cache-Control", "no-cache")?,
            header("Content-Security-Policy", &self.policy)?,
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

fn header(name: &str, value: &str) -> io::Result<Header> {
    Header::from_bytes(name, value).map_err(|()| io::Error::other(format!("{name}: {value} is not ASCII")))
}

/// The policy that the page itself carries: `<meta http-equiv="Content-Security-Policy" content="…">`.
fn policy(html: &str) -> Option<&str> {
    let (_, rest) = html.split_once("Content-Security-Policy")?;
    let (_, rest) = rest.split_once("content=\"")?;
    Some(rest.split_once('"')?.0)
}

#[derive(Debug, PartialEq)]
enum Range {
    /// First and last byte, both included.
    Bytes(u64, u64),
    /// Not understood (several ranges, another unit): the whole file is a valid answer.
    Ignored,
    Unsatisfiable,
}

fn parse_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Range::Ignored;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(a), Ok(b)) if a <= b && a < size => Range::Bytes(a, b.min(size - 1)),
        (Ok(a), Err(_)) if last.is_empty() && a < size => Range::Bytes(a, size - 1),
        (Err(_), Ok(n)) if first.is_empty() && n > 0 && size > 0 => Range::Bytes(size - n.min(size), size - 1),
        (Ok(a), _) if a >= size => Range::Unsatisfiable,
        _ => Range::Ignored,
    }
}

fn mime(path: &Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()).unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "ts" | "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let hex = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], hex(i + 1), hex(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 3;
            }
            (byte, ..) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn percent_encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| {
            if plain(b) {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, size, expect) in [
            ("bytes=0-3", 10, Range::Bytes(0, 3)),
            ("bytes=4-", 10, Range::Bytes(4, 9)),
            ("bytes=-4", 10, Range::Bytes(6, 9)),
            ("bytes=-40", 10, Range::Bytes(0, 9)),
            ("bytes=8-99", 10, Range::Bytes(8, 9)),
            ("bytes=10-12", 10, Range::Unsatisfiable),
            ("bytes=0-0", 0, Range::Unsatisfiable),
            ("bytes=3-2", 10, Range::Ignored),
            ("bytes=0-1,4-5", 10, Range::Ignored),
            ("lines=0-1", 10, Range::Ignored),
        ] {
            assert_eq!(parse_range(text, size), expect, "{text} of {size}");
        }
    }

    #[test]
    fn only_the_model_and_its_parts_are_served() {
        let model = Model::File("/m".into(), "a-00001-of-00002.gguf".into());
        assert!(model.file("a-00001-of-00002.gguf").is_some());
        assert!(model.file("a-00002-of-00002.gguf").is_some());
        assert!(model.file("b-00002-of-00002.gguf").is_none());
        assert!(model.file("../a-00002-of-00002.gguf").is_none());
        assert!(model.file("secret").is_none());
    }

    #[test]
    fn paths_cannot_leave_the_site() {
        let site = Site::new(None, true).expect("www/index.html");
        assert!(site.file("/../Cargo.toml").is_none());
        assert!(site.file("/pkg/../Cargo.toml").is_none());
        assert!(site.file("/pkg//etc/passwd").is_none());
    }

    #[test]
    fn the_page_says_its_policy() {
        let site = Site::new(None, true).expect("www/index.html");
        assert!(
            site.policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
            "{}",
            site.policy
        );
        assert_eq!(policy("<meta>"), None);
    }

    #[test]
    fn percent_coding_round_trip() {
        for name in ["a b.gguf", "ä%20.gguf", "plain-1.0_x~.gguf"] {
            assert_eq!(percent_decode(&percent_encode(name)), name);
        }
        assert_eq!(percent_decode("/%2"), "/%2");
    }
}
