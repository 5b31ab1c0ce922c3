//! A conversation as tokens: the file's template, the guard around user text, the tokenizer.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::text::template::{ChatTemplate, CivilTime, RenderInput};
use crate::text::{Bos, Guard, Special, Tokenizer};

/// Name under which files keep a template for conversations with tools.
const TOOL_TEMPLATE: &str = "tool_use";

/// Renders and tokenizes a conversation. Control tokens come from the template alone; see [`Guard`].
///
/// # Errors
/// [`Error::Template`] where the file has no template or a broken one, [`Error::TemplateRefused`] where it refuses.
pub(super) fn chat(
    tokenizer: &Tokenizer,
    messages: &[Value],
    tools: Option<&Value>,
    extra: &Map<String, Value>,
    now: CivilTime,
) -> Result<Vec<u32>> {
    let source = source(tokenizer, tools)?;
    let template = ChatTemplate::new(source)?;

    let extra_value = Value::Object(extra.clone());
    let mut strings: Vec<&Value> = messages.iter().collect();
    strings.extend(tools);
    strings.push(&extra_value);
    let guard = Guard::new(tokenizer.control_texts(), source, &strings)?;
    let tools = tools.map(|tools| guard.value(tools));
    let extra = match guard.value(&extra_value) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let token_text = |id: Option<u32>| id.map_or("", |id| tokenizer.token_text(id));
    let render = |messages: &[Value]| {
        template.render(&RenderInput {
            messages: &messages.iter().map(|m| guard.message(m)).collect(),
            tools: tools.as_ref(),
            add_generation_prompt: true,
            bos_token: token_text(tokenizer.bos()),
            eos_token: token_text(tokenizer.eos()),
            now,
            extra: &extra,
        })
    };
    // OpenAI writes tool arguments as a string, most templates want the object, some the string.
    let text = match with_argument_objects(messages) {
        Some(parsed) => match render(&parsed) {
            Err(Error::Template { .. }) => render(messages),
            rendered => rendered,
        },
        None => render(messages),
    }?;
    let mut ids = tokenizer.encode_marked(&text, Some(guard.marker()))?;
    // As llama.cpp does: the text begins with one BOS if the file asks for it, whether the template wrote it or not.
    if tokenizer.add_bos()
        && let Some(bos) = tokenizer.bos()
        && ids.first() != Some(&bos)
    {
        ids.insert(0, bos);
    }
    Ok(ids)
}

/// Renders a conversation of our own making: no guard.
///
/// # Errors
/// As [`chat`].
pub(super) fn text(
    tokenizer: &Tokenizer,
    messages: &[Value],
    tools: Option<&Value>,
    extra: &Map<String, Value>,
    add_generation_prompt: bool,
) -> Result<String> {
    let template = ChatTemplate::new(source(tokenizer, tools)?)?;
    let token_text = |id: Option<u32>| id.map_or("", |id| tokenizer.token_text(id));
    template.render(&RenderInput {
        messages: &Value::Array(messages.to_vec()),
        tools,
        add_generation_prompt,
        bos_token: token_text(tokenizer.bos()),
        eos_token: token_text(tokenizer.eos()),
        now: CivilTime::from_unix(0),
        extra,
    })
}

/// The file's template for a conversation, with tools or without.
fn source<'t>(tokenizer: &'t Tokenizer, tools: Option<&Value>) -> Result<&'t str> {
    let for_tools = tools.and_then(|_| tokenizer.chat_template(Some(TOOL_TEMPLATE)));
    for_tools
        .or_else(|| tokenizer.chat_template(None))
        .ok_or_else(|| Error::Template {
            message: "this model's file has none; ask for a completion of a prompt instead of a chat".into(),
        })
}

/// Tokenizes a completion's prompt; the caller may write control tokens into it.
pub(super) fn completion(tokenizer: &Tokenizer, prompt: &str) -> Result<Vec<u32>> {
    tokenizer.encode(prompt, Special::Parse, Bos::Auto)
}

/// Tokenizes what stands around a gap, in the order that models are trained with (prefix, suffix, middle). A token that
/// belongs to neither text may only come from the file.
///
/// # Errors
/// [`Error::InvalidRequest`] where the file declares no tokens for it.
pub(super) fn infill(tokenizer: &Tokenizer, prefix: &str, suffix: &str) -> Result<Vec<u32>> {
    let [before, behind, middle] = tokenizer.fill_in_the_middle().ok_or_else(|| {
        let expected = "a model whose file declares fill-in-the-middle tokens (tokenizer.ggml.fim_pre_token_id, \
            fim_suf_token_id and fim_mid_token_id)";
        Error::invalid("suffix", expected, "one without")
    })?;
    let text = |text: &str| tokenizer.encode(text, Special::AsText, Bos::No);
    let mut ids: Vec<u32> = tokenizer.bos().filter(|_| tokenizer.add_bos()).into_iter().collect();
    ids.push(before);
    ids.extend(text(prefix)?);
    ids.push(behind);
    ids.extend(text(suffix)?);
    ids.push(middle);
    Ok(ids)
}

/// The messages with `tool_calls[].function.arguments` parsed, if any of them is an object written as a string.
fn with_argument_objects(messages: &[Value]) -> Option<Vec<Value>> {
    let mut changed = false;
    let mut messages = messages.to_vec();
    for call in messages
        .iter_mut()
        .filter_map(|m| m.get_mut("tool_calls")?.as_array_mut())
        .flatten()
    {
        let Some(arguments) = call.get_mut("function").and_then(|f| f.get_mut("arguments")) else {
            continue;
        };
        if let Some(object @ Value::Object(_)) = arguments.as_str().and_then(|s| serde_json::from_str(s).ok()) {
            *arguments = object;
            changed = true;
        }
    }
    changed.then_some(messages)
}
