//! From source to instructions, with Python's operators in place of the engine's and every value's size counted.

use std::collections::BTreeMap;

use minijinja::machinery::{CodeGenerator, Instruction, Instructions, eval, make_string_output, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error};

use super::operators::{ADD, CONCATENATE, ITERATE, MEASURE, MULTIPLY, NEST, REMAINDER, SLICE};

/// The template's name in messages.
const NAME: &str = "chat_template";
/// "Look the filter up by name each time": the engine's cache slots are numbered by its own compiler.
const NO_SLOT: u8 = !0;

/// A compiled template.
pub(super) struct Compiled<'s> {
    main: Instructions<'s>,
    blocks: BTreeMap<&'s str, Instructions<'s>>,
}

/// Compiles with the whitespace rules of chat templates: `trim_blocks` and `lstrip_blocks`.
pub(super) fn compile(source: &str) -> Result<Compiled<'_>, Error> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    let ast = parse(source, NAME, syntax)?;
    let mut generator = CodeGenerator::new(NAME, source);
    generator.compile_stmt(&ast);
    let (main, blocks) = generator.finish();
    Ok(Compiled {
        main: rewrite(&main),
        blocks: blocks.iter().map(|(name, block)| (*name, rewrite(block))).collect(),
    })
}

/// Renders with `variables` as the root of the context.
pub(super) fn run<'a>(env: &'a Environment<'a>, compiled: &Compiled<'a>, variables: Value) -> Result<String, Error> {
    let mut text = String::new();
    let mut output = make_string_output(&mut text);
    eval(
        env,
        &compiled.main,
        variables,
        &compiled.blocks,
        &mut output,
        AutoEscape::None,
    )?;
    Ok(text)
}

/// Replaces operators by ours and measures what lands on the stack. One instruction becomes one or two, so jumps are
/// renumbered.
fn rewrite<'s>(old: &Instructions<'s>) -> Instructions<'s> {
    let mut new = Instructions::new(NAME, old.source());
    let mut moved = Vec::new(); // old index -> new index
    let mut next = 0;
    let originals = || (0u32..).map_while(|i| old.get(i).map(|instruction| (i, instruction)));
    for (i, instruction) in originals() {
        moved.push(next);
        for replacement in replacements(instruction) {
            let line = old.get_line(i).and_then(|line| u16::try_from(line).ok());
            next = 1 + match line {
                Some(line) => new.add_with_line(replacement, line),
                None => new.add(replacement),
            };
        }
    }
    moved.push(next); // a jump behind the last instruction
    for i in 0..next {
        use Instruction::{BuildMacro, Iterate, Jump, JumpIfFalse, JumpIfFalseOrPop, JumpIfTrueOrPop};
        if let Some(
            Jump(target)
            | JumpIfFalse(target)
            | JumpIfFalseOrPop(target)
            | JumpIfTrueOrPop(target)
            | Iterate(target)
            | BuildMacro(_, target, _),
        ) = new.get_mut(i)
            && let Some(&to) = moved.get(*target as usize)
        {
            *target = to;
        }
    }
    new
}

fn replacements<'s>(instruction: &Instruction<'s>) -> Vec<Instruction<'s>> {
    let call = |name, arguments| Instruction::ApplyFilter(name, Some(arguments), NO_SLOT);
    match instruction {
        Instruction::Add => vec![call(ADD, 2)],
        Instruction::Mul => vec![call(MULTIPLY, 2)],
        Instruction::Rem => vec![call(REMAINDER, 2)],
        Instruction::StringConcat => vec![call(CONCATENATE, 2)],
        Instruction::Slice => vec![call(SLICE, 4)],
        Instruction::EmitRaw(text) => vec![Instruction::LoadConst(Value::from(*text)), Instruction::Emit],
        Instruction::CallFunction("namespace" | "dict", _) => vec![instruction.clone(), call(NEST, 1)],
        Instruction::Lookup(_)
        | Instruction::GetAttr(_)
        | Instruction::GetItem
        | Instruction::ApplyFilter(..)
        | Instruction::CallFunction(..)
        | Instruction::CallMethod(..)
        | Instruction::CallObject(_) => vec![instruction.clone(), call(MEASURE, 1)],
        Instruction::BuildList(_) | Instruction::BuildTuple(_) | Instruction::BuildMap(_) => {
            vec![instruction.clone(), call(NEST, 1)]
        }
        Instruction::PushLoop(_) => vec![call(ITERATE, 1), instruction.clone()],
        other => vec![other.clone()],
    }
}

/// Transformers marks the assistant's words by `{% generation %}` tags, which print nothing: they become
/// conditions that hold.
pub(super) fn without_generation_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = rest.find("{%").into_iter().chain(rest.find("{#")).min() {
        let (before, tag) = rest.split_at(open);
        out.push_str(before);
        let close = if tag.starts_with("{#") { "#}" } else { "%}" };
        let Some(end) = tag.find(close).map(|at| at + close.len()) else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(end);
        let inner = tag.trim_start_matches("{%").trim_end_matches("%}");
        let word = inner.trim_matches(|c: char| c == '-' || c == '+' || c.is_whitespace());
        match word {
            "generation" => out.push_str(&tag.replace("generation", "if true")),
            "endgeneration" => out.push_str(&tag.replace("endgeneration", "endif")),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::without_generation_tags;

    #[test]
    fn generation_tags() {
        for (source, expect) in [
            ("a{% generation %}b{% endgeneration %}c", "a{% if true %}b{% endif %}c"),
            ("{%- generation -%}{%-endgeneration-%}", "{%- if true -%}{%-endif-%}"),
            (
                "{# {% generation %} #}{{ generation }}",
                "{# {% generation %} #}{{ generation }}",
            ),
            ("{% if generation %}{%", "{% if generation %}{%"),
        ] {
            assert_eq!(without_generation_tags(source), expect);
        }
    }
}
