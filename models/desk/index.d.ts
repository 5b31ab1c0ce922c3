/** The address of `desk.gguf`, the default model; give it to `createKinglet({ model: desk })`. */
export declare const desk: URL;

/** The address of `desk-nano.gguf`, its smaller and weaker sibling with the same tokenizer. */
export declare const nano: URL;
