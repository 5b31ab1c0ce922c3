//! The command line.

use anyhow::{Result, bail};

use crate::{USAGE, pkg};

/// The arguments that have not been understood yet.
pub struct Args(pub Vec<String>);

impl Args {
    /// Takes `name`; true if it was there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|a| a != name);
        self.0.len() != before
    }

    /// Takes `name VALUE` or `name=VALUE`.
    pub fn value(&mut self, name: &str) -> Result<Option<String>> {
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
    pub fn values(&mut self, name: &str) -> Result<Vec<String>> {
        let mut values = Vec::new();
        while let Some(value) = self.value(name)? {
            values.push(value);
        }
        Ok(values)
    }

    /// Takes `--dev`.
    pub fn profile(&mut self) -> pkg::Profile {
        if self.flag("--dev") {
            pkg::Profile::Dev
        } else {
            pkg::Profile::Release
        }
    }

    /// Takes `name A,B,…`; none if it is not there.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        let text = self.value(name)?;
        Ok(text.map(|text| text.split(',').map(str::to_string).collect()))
    }

    /// Fails if anything is left.
    pub fn done(&self) -> Result<()> {
        match self.0.first() {
            Some(arg) => bail!("unknown argument {arg}\n\n{USAGE}"),
            None => Ok(()),
        }
    }
}
