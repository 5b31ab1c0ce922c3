//! `kinglet embed`: texts as vectors.

use kinglet::Result;
use kinglet::session::EmbeddingRequest;
use pollster::block_on;
use serde_json::json;

use crate::args::ModelArgs;
use crate::{output, run};

/// One line `{"embedding","tokens"}` for each line `{"text"}` or `{"ids"}` of standard input.
pub fn embed(args: &ModelArgs, pooling: Option<&str>) -> Result<()> {
    let mut session = run::load_session(&args.file, &args.run)?;
    output::each_line(|line| {
        let input = match output::ids(&line)? {
            Some(ids) => json!([ids]),
            None => json!([output::text(&line)?]),
        };
        let body = json!({"input": input, "kinglet": {"pooling": pooling}});
        session.start_embedding(&EmbeddingRequest::new(&body)?)?;
        while let Some(found) = block_on(session.next_embedding())? {
            let tokens = found.usage.map_or(0, |usage| usage.prompt_tokens);
            output::line(&json!({"embedding": found.embedding, "tokens": tokens}))?;
        }
        Ok(())
    })
}
