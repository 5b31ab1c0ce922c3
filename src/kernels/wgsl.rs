//! Composes the WGSL of one kernel variant from first-class source files.
//!
//! A shader is `shaders/<kernel>.wgsl`; what several share lies in `shaders/lib/<name>.wgsl`. Two things are added to
//! plain WGSL, and nothing else:
//!
//! - a line `//!import name` is replaced by the fragment of that name (once per composition, in order);
//! - `{{NAME}}` is replaced by the variant's definition of NAME, also inside the name of an import.
//!
//! No conditionals: two ways to do the same thing are two entry points of one file, or two fragments with one interface.
//! The text goes to the browser without comments ([`lean`]); every listed variant is validated by naga in a test without a GPU.

#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))] // tests have it everywhere
mod lean;

use std::fmt;

use crate::error::{Error, Result};

/// How a kernel reduces over a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// One thread per row, no barriers: adapters that run threads one after the other.
    Serial,
    /// One workgroup per row, tree reduction in shared memory: real GPUs.
    Tree,
}

impl Style {
    /// Both.
    pub const ALL: [Style; 2] = [Style::Serial, Style::Tree];

    /// The entry point of this style in shaders that have both.
    pub fn entry(self) -> &'static str {
        match self {
            Style::Serial => "serial",
            Style::Tree => "tree",
        }
    }
}

/// Value of a substitution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// A number: a shape baked into the text, a workgroup size.
    Int(u32),
    /// A name: a fragment, a format.
    Name(&'static str),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(n) => write!(f, "{n}"),
            Value::Name(s) => f.write_str(s),
        }
    }
}

/// What a shader uses that not every device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Extra {
    /// `subgroupAdd` and its kin.
    Subgroups,
    /// The type `f16`.
    F16,
    /// `dot4I8Packed` and its kin.
    Int8,
}

impl Extra {
    /// What WebGPU calls it: a feature of a device, or of the language.
    pub fn name(self) -> &'static str {
        match self {
            Extra::Subgroups => "subgroups",
            Extra::F16 => "shader-f16",
            Extra::Int8 => "packed_4x8_integer_dot_product",
        }
    }

    /// The line at the head of a shader that asks for it. Browsers demand one for subgroups, naga refuses it; a language
    /// feature (the packed products) needs none anywhere.
    fn directive(self) -> Option<&'static str> {
        match self {
            Extra::Subgroups => cfg!(target_arch = "wasm32").then_some("enable subgroups;"),
            Extra::F16 => Some("enable f16;"),
            Extra::Int8 => None,
        }
    }
}

/// One pipeline's worth of shader: a kernel, an entry point and the definitions that specialise the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variant {
    /// Kernel (shader file).
    pub kernel: &'static str,
    /// Entry point in it.
    pub entry: &'static str,
    /// Substitutions.
    pub defs: Vec<(&'static str, Value)>,
    /// More of them, numbers that follow from the others: the label does not tell them.
    pub implied: Vec<(&'static str, u32)>,
    /// What a device must have.
    pub extras: Vec<Extra>,
}

impl Variant {
    /// The variant with entry point `main` and no definitions.
    pub fn new(kernel: &'static str) -> Self {
        Self {
            kernel,
            entry: "main",
            defs: Vec::new(),
            implied: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Chooses another entry point.
    pub fn entry(mut self, entry: &'static str) -> Self {
        self.entry = entry;
        self
    }

    /// Defines `{{name}}` as a number.
    pub fn int(mut self, name: &'static str, value: u32) -> Self {
        self.defs.push((name, Value::Int(value)));
        self
    }

    /// Defines `{{name}}` as a word.
    pub fn name(mut self, name: &'static str, value: &'static str) -> Self {
        self.defs.push((name, Value::Name(value)));
        self
    }

    /// Defines numbers that follow from a definition made before.
    pub fn implied(mut self, numbers: &[(&'static str, u32)]) -> Self {
        self.implied.extend(numbers);
        self
    }

    /// Says that the text uses something that not every device has.
    pub fn with(mut self, extra: Extra) -> Self {
        self.extras.push(extra);
        self
    }

    /// What errors, profiles and tests call it: `rms_norm/tree WG=128`.
    pub fn label(&self) -> String {
        let mut label = format!("{}/{}", self.kernel, self.entry);
        for (name, value) in &self.defs {
            label.push_str(&format!(" {name}={value}"));
        }
        label
    }

    /// The complete WGSL text. Fails on an unknown kernel, import or substitution: a bug in kinglet.
    pub fn wgsl(&self) -> Result<String> {
        let source = find(KERNELS, self.kernel)
            .or_else(|| find(BENCH, self.kernel))
            .ok_or_else(|| self.broken("kernel", self.kernel))?;
        let mut out = String::new();
        for line in self.extras.iter().filter_map(|extra| extra.directive()) {
            out.push_str(line);
            out.push('\n');
        }
        self.expand(source, &mut out, &mut Vec::new())?;
        Ok(out)
    }

    fn expand(&self, source: &'static str, out: &mut String, seen: &mut Vec<&'static str>) -> Result<()> {
        for line in source.lines() {
            let line = self.substitute(line)?;
            match line.strip_prefix("//!import ") {
                None => {
                    out.push_str(&line);
                    out.push('\n');
                }
                Some(name) => {
                    let text = find(FRAGMENTS, name.trim()).ok_or_else(|| self.broken("import", name))?;
                    if !seen.contains(&text) {
                        seen.push(text);
                        self.expand(text, out, seen)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn substitute(&self, line: &str) -> Result<String> {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or_else(|| self.broken("line", line))?;
            let value = self.value(name).ok_or_else(|| self.broken("substitution", name))?;
            out.push_str(before);
            out.push_str(&value.to_string());
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str) -> Option<Value> {
        let implied = self.implied.iter().map(|(name, n)| (*name, Value::Int(*n)));
        let mut all = self.defs.iter().copied().chain(implied);
        all.find(|(defined, _)| *defined == name).map(|(_, value)| value)
    }

    fn broken(&self, what: &str, name: &str) -> Error {
        Error::internal(format!("shader {}: unknown {what} \"{}\"", self.label(), name.trim()))
    }
}

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// Builds a table `[(name, text)]` from the files of one folder.
macro_rules! sources {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, lean::text!(concat!("../../shaders/", $folder, $name, ".wgsl")))),*]
    };
}

/// Shaders, one per kernel.
const KERNELS: &[(&str, &str)] = sources!["":
    "add", "add_bias", "attend", "attention", "attention_row", "combine", "copy_rows", "embed", "finish_qkv", "gemm",
    "gemm_columns", "gemm_int8", "gemm_serial", "gemv", "head_norm", "quantize", "repack", "rms_norm", "rope", "silu_mul",
    "top_k",
];

/// Shaders that only a measurement has.
#[cfg(feature = "bench")]
const BENCH: &[(&str, &str)] = &[
    ("bench/read", include_str!("../../benches/shaders/read.wgsl")),
    (
        "bench/arithmetic",
        include_str!("../../benches/shaders/arithmetic.wgsl"),
    ),
];
#[cfg(not(feature = "bench"))]
const BENCH: &[(&str, &str)] = &[];

/// Shared fragments.
const FRAGMENTS: &[(&str, &str)] = sources!["lib/":
    "step", "grid", "serial", "tree", "subgroups",
    "heads", "qkv", "turn", "bias", "no_bias", "gains", "no_gains", "online", "scores_apart", "scores_subgroups",
    "wide_1", "wide_2", "wide_4", "cache_f32", "pack_f16", "cache_f16", "cache_f16_narrow", "pack_q8_0", "cache_q8_0",
    "cache_q8_0_narrow", "scaled", "unscaled", "put_scaled", "put_unscaled",
    "half", "block", "quantised", "k_scales", "gemm", "activations", "gemm_f32", "gemm_f16", "gemm_int8",
    "gemv_weight", "input_plain", "input_norm", "loaded", "math_float", "math_f32", "math_f16", "math_int8",
    "rows_at_once", "rows_in_turn", "reduce_none", "reduce_tree", "reduce_shuffle", "reduce_subgroups", "output_rows",
    "output_gate",
    "f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k",
    "repack_nibbles", "repack_stretches", "repack_crossed", "repack_high",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_once_and_substitutes() {
        let text = Variant::new("add").wgsl().expect("add composes");
        assert!(text.contains("struct Step"));
        assert!(!text.contains("//!import") && !text.contains("{{"));
        assert_eq!(text.matches("struct Step").count(), 1);
    }

    #[test]
    fn unknown_names_are_errors() {
        assert!(Variant::new("no_such_kernel").wgsl().is_err());
        let v = Variant::new("add");
        assert!(v.substitute("{{MISSING}}").is_err());
        assert!(v.substitute("{{open").is_err());
        assert_eq!(v.int("N", 3).substitute("a{{N}}b").expect("defined"), "a3b");
    }
}
