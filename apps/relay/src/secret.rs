//! What must not be seen: keys and signing secrets, from the environment or a file, never from the configuration.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::Wrong;

/// Where a secret is. Exactly one of both.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// Name of an environment variable.
    pub env: Option<String>,
    /// A file; spaces and line ends around the secret do not belong to it.
    pub file: Option<PathBuf>,
}

/// A secret. It is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Source {
    /// Reads it; `path` names it in the configuration.
    ///
    /// # Errors
    /// It is not there, empty, or shorter than `least` bytes. No error says what it is.
    pub fn read(&self, path: &str, least: usize) -> Result<Secret, Wrong> {
        let text = match (&self.env, &self.file) {
            (Some(name), None) => std::env::var(name).map_err(|_| {
                Wrong::at(
                    format!("{path}.env"),
                    "the name of an environment variable that is set",
                    name,
                )
            })?,
            (None, Some(file)) => fs::read_to_string(file).map_err(|e| {
                let found = format!("{}: {e}", file.display());
                Wrong::at(format!("{path}.file"), "a file that can be read", found)
            })?,
            _ => return Err(Wrong::at(path, "either env or file", "both or neither")),
        };
        let text = text.trim();
        if text.len() < least || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let expected = format!("a secret of {least} visible ASCII characters or more");
            return Err(Wrong::at(path, expected, format!("{} bytes", text.len())));
        }
        Ok(Secret::new(text))
    }
}
