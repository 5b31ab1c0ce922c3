//! The modules' scripts, so that a crashed instance can be given up.
//!
//! wasm-bindgen's script has one instance for ever, in a variable. All that was made of it reaches it there: objects,
//! closures that promises hold, and what is done when either is collected. Another instance in that variable would get
//! their calls, with addresses in the memory of the first. So the script becomes a function that is called for each instance.

use anyhow::{Context, Result, bail};

/// Ends what is in the function: whoever still calls there does nothing and gets nothing, and the memory can be collected.
const RETIRE: &str = "\
function retire() {
const module = wasmModule;
wasm = new Proxy({}, { get: () => () => [] });
wasmInstance = wasmModule = undefined;
";

/// The script with one export more: `discard()` forgets the instance, and the next call of the default export makes another, as
/// does `initSync` of the compiled module, which it gives.
pub fn discardable(script: &str) -> Result<String> {
    let (mut body, mut exports, mut views) = (String::new(), Vec::new(), String::new());
    for line in script.lines() {
        if line.starts_with("import ") {
            bail!("a script that imports cannot be a function: {line}");
        }
        let exported = line.strip_prefix("export ");
        if let Some(list) = exported.and_then(|rest| rest.strip_prefix("{ ")?.strip_suffix(" };")) {
            exports.extend(list.split(", "));
            continue;
        }
        if let Some(declared) = exported {
            let named = ["class ", "function "]
                .iter()
                .find_map(|kind| declared.strip_prefix(kind));
            let name = named.and_then(|rest| rest.split([' ', '(']).next());
            exports.push(name.with_context(|| format!("an unknown kind of export: {line}"))?);
        }
        let view = line
            .strip_prefix("let cached")
            .and_then(|rest| rest.strip_suffix("Memory0 = null;"));
        if let Some(view) = view {
            views += &format!("cached{view}Memory0 = null;\n");
        }
        body += exported.unwrap_or(line);
        body.push('\n');
    }
    let inside: Vec<&str> = exports.iter().filter_map(|export| export.split(' ').next()).collect();
    let (names, exports) = (inside.join(", "), exports.join(", "));
    Ok(format!(
        "function scope() {{\n{body}{RETIRE}{views}return module;\n}}\nreturn {{ {names}, retire }};\n}}\n\
         let now = scope();\nlet {{ {names} }} = now;\nexport {{ {exports} }};\n\
         export function discard() {{\nconst module = now.retire();\nnow = scope();\n({{ {names} }} = now);\nreturn module;\n}}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_becomes_a_function_for_each_instance() -> Result<()> {
        let script = "export class A {\n}\nexport function f(x) {\n}\nlet cachedDataViewMemory0 = null;\nlet wasm;\nexport { i, g as default };\n";
        let made = discardable(script)?;
        let lines: Vec<&str> = made.lines().collect();
        let inside = &lines[..lines
            .iter()
            .position(|line| *line == "let now = scope();")
            .context("now")?];
        assert!(inside.iter().all(|line| !line.starts_with("export")), "{made}");
        for line in [
            "class A {",
            "function f(x) {",
            "cachedDataViewMemory0 = null;",
            "return module;",
            "return { A, f, i, g, retire };",
        ] {
            assert!(inside.contains(&line), "{line} in {made}");
        }
        assert!(lines.contains(&"export { A, f, i, g as default };"), "{made}");
        for unknown in ["import x from 'y';", "export const x = 1;", "export default f;"] {
            assert!(discardable(unknown).is_err(), "{unknown}");
        }
        Ok(())
    }
}
