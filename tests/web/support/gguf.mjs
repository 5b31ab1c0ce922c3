// Writes seeded llama-shaped GGUF files of any size without ever holding one: a header in memory, weights computed
// from their position. The model babbles; it is the memory that is looked at.

const STRING = 8;
const ARRAY = 9;
const TYPES = { u32: 4, i32: 5, f32: 6 };
/** Bytes of a value by its type number; strings and arrays have a length of their own. */
const SIZES = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const ALIGNMENT = 32;

/** ggml types: [id, elements of a block, bytes of a block]. */
const F32 = [0, 1, 4];
const Q8_0 = [8, 32, 34];

/**
 * A llama model with Q8_0 matrices as `{size, tensorBytes, stream(start, end)}` (see server.mjs).
 * Shape: n_embd, n_ff, n_layer, head_dim. `tokenizer` as from `tokenizerOf`; by default 3 control and 256 byte pieces
 * and letters.
 */
export function llamaModel({ n_embd, n_ff, n_layer, head_dim = 64, n_ctx = 256, tokenizer = smallTokenizer() }) {
  const n_head = n_embd / head_dim;
  const { n_vocab } = tokenizer;
  const tensors = [['token_embd.weight', [n_embd, n_vocab], Q8_0], ['output_norm.weight', [n_embd], F32], ['output.weight', [n_embd, n_vocab], Q8_0]];
  for (let i = 0; i < n_layer; i++) {
    tensors.push([`blk.${i}.attn_norm.weight`, [n_embd], F32], [`blk.${i}.ffn_norm.weight`, [n_embd], F32]);
    for (const name of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) {
      tensors.push([`blk.${i}.${name}.weight`, [n_embd, n_embd], Q8_0]);
    }
    tensors.push([`blk.${i}.ffn_gate.weight`, [n_embd, n_ff], Q8_0], [`blk.${i}.ffn_up.weight`, [n_embd, n_ff], Q8_0]);
    tensors.push([`blk.${i}.ffn_down.weight`, [n_ff, n_embd], Q8_0]);
  }
  const metadata = [
    ['general.architecture', 'llama'],
    ['general.name', 'seeded'],
    ['general.alignment', ['u32', ALIGNMENT]],
    ['llama.context_length', ['u32', n_ctx]],
    ['llama.embedding_length', ['u32', n_embd]],
    ['llama.block_count', ['u32', n_layer]],
    ['llama.feed_forward_length', ['u32', n_ff]],
    ['llama.attention.head_count', ['u32', n_head]],
    ['llama.attention.head_count_kv', ['u32', n_head]],
    ['llama.attention.layer_norm_rms_epsilon', ['f32', 1e-5]],
    ['llama.rope.dimension_count', ['u32', head_dim]],
    ['llama.vocab_size', ['u32', n_vocab]],
    ...tokenizer.metadata,
  ];
  return layOut(metadata, tensors);
}

/**
 * A model of a catalogue entry's family and shape with Q8_0 matrices, as `llamaModel`: for its header, which says all of its sizes. Trained for
 * `context` tokens.
 */
export function shapedModel({ family, shape, context }) {
  const { layers, width, ff, heads, kv_heads, head, vocabulary, rotated } = shape;
  const [q, kv] = [heads * head, kv_heads * head];
  const fused = family === 'phi3';
  const tensors = [['token_embd.weight', [width, vocabulary], Q8_0], ['output_norm.weight', [width], F32]];
  for (let i = 0; i < layers; i++) {
    const add = (name, dimensions, type) => tensors.push([`blk.${i}.${name}`, dimensions, type]);
    for (const norm of ['attn_norm', 'ffn_norm']) add(`${norm}.weight`, [width], F32);
    for (const [name, rows] of fused ? [['qkv', q + 2 * kv]] : [['q', q], ['k', kv], ['v', kv]]) {
      add(`attn_${name}.weight`, [width, rows], Q8_0);
      if (family === 'qwen2') add(`attn_${name}.bias`, [rows], F32);
    }
    if (family === 'qwen3') for (const name of ['q', 'k']) add(`attn_${name}_norm.weight`, [head], F32);
    add('attn_output.weight', [q, width], Q8_0);
    if (!fused) add('ffn_gate.weight', [width, ff], Q8_0);
    add('ffn_up.weight', [width, fused ? 2 * ff : ff], Q8_0);
    add('ffn_down.weight', [ff, width], Q8_0);
  }
  const numbers = {
    context_length: context,
    embedding_length: width,
    block_count: layers,
    feed_forward_length: ff,
    'attention.head_count': heads,
    'attention.head_count_kv': kv_heads,
    'attention.key_length': head,
    'attention.value_length': head,
    'rope.dimension_count': rotated,
    vocab_size: vocabulary,
  };
  const metadata = [
    ['general.architecture', family],
    ['general.name', 'shaped'],
    ['general.alignment', ['u32', ALIGNMENT]],
    ...Object.entries(numbers).map(([name, value]) => [`${family}.${name}`, ['u32', value]]),
    [`${family}.attention.layer_norm_rms_epsilon`, ['f32', 1e-5]],
    ...largeTokenizer(vocabulary),
  ];
  return layOut(metadata, tensors);
}

/** The tokenizer of the GGUF file `bytes`, for another file: `{n_vocab, metadata}`, entries as they stand there. */
export function tokenizerOf(bytes) {
  let at = 16;
  const u32 = () => bytes.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const skipString = () => {
    const length = u64();
    at += length;
  };
  const metadata = [];
  let n_vocab;
  for (let left = u64(); left > 0; left--) {
    const start = at;
    skipString();
    const key = bytes.toString('utf8', start + 8, at);
    const type = u32();
    if (type === STRING) {
      skipString();
    } else if (type === ARRAY) {
      const [item, count] = [u32(), u64()];
      if (key === 'tokenizer.ggml.tokens') n_vocab = count;
      if (item === STRING) {
        for (let i = 0; i < count; i++) skipString();
      } else {
        at += count * SIZES[item];
      }
    } else {
      at += SIZES[type];
    }
    if (key.startsWith('tokenizer.')) metadata.push(bytes.subarray(start, at));
  }
  return { n_vocab, metadata };
}

/**
 * The GGUF file `bytes` with one more string in its metadata: a chat template for a model that has none. The entry goes
 * first and takes a multiple of the alignment (the text is padded with spaces), so that all offsets stay valid.
 */
export function withString(bytes, key, text) {
  const fixed = 8 + Buffer.byteLength(key) + 4 + 8;
  const value = Buffer.from(text + ' '.repeat(align(fixed + Buffer.byteLength(text)) - fixed - Buffer.byteLength(text)));
  const entry = Buffer.alloc(fixed + value.length);
  entry.writeBigUInt64LE(BigInt(Buffer.byteLength(key)), 0);
  entry.write(key, 8);
  entry.writeUInt32LE(STRING, fixed - 12);
  entry.writeBigUInt64LE(BigInt(value.length), fixed - 8);
  value.copy(entry, fixed);
  const head = Buffer.from(bytes.subarray(0, 24));
  head.writeBigUInt64LE(head.readBigUInt64LE(16) + 1n, 16);
  return Buffer.concat([head, entry, bytes.subarray(24)]);
}

/** Metadata of a tokenizer with so many pieces, as bytes: made once, models share vocabularies. */
function largeTokenizer(size) {
  if (!tokenizers.has(size)) {
    const { header } = layOut(smallTokenizer(size).metadata, []);
    tokenizers.set(size, tokenizerOf(header).metadata);
  }
  return tokenizers.get(size);
}
const tokenizers = new Map();

function smallTokenizer(size = 0) {
  const pieces = [
    { text: '<unk>', score: 0, type: 2 },
    { text: '<s>', score: 0, type: 3 },
    { text: '</s>', score: 0, type: 3 },
  ];
  for (let byte = 0; byte < 256; byte++) {
    pieces.push({ text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, score: 0, type: 6 });
  }
  for (const letter of '▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?') {
    pieces.push({ text: letter, score: -pieces.length, type: 1 });
  }
  while (pieces.length % 32 !== 0 || pieces.length < size) {
    pieces.push({ text: `▁unused${pieces.length}`, score: -1000, type: 5 });
  }
  const metadata = [
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', { string: pieces.map((p) => p.text) }],
    ['tokenizer.ggml.scores', { f32: pieces.map((p) => p.score) }],
    ['tokenizer.ggml.token_type', { i32: pieces.map((p) => p.type) }],
    ['tokenizer.ggml.bos_token_id', ['u32', 1]],
    ['tokenizer.ggml.eos_token_id', ['u32', 2]],
    ['tokenizer.ggml.unknown_token_id', ['u32', 0]],
  ];
  return { n_vocab: pieces.length, metadata };
}

const align = (n) => Math.ceil(n / ALIGNMENT) * ALIGNMENT;

/** `metadata`: `[key, value]`, or an entry's bytes. */
function layOut(metadata, tensors) {
  const parts = [];
  const bytes = (length, write) => {
    const buffer = Buffer.alloc(length);
    write(buffer);
    parts.push(buffer);
  };
  const u32 = (n) => bytes(4, (b) => b.writeUInt32LE(n));
  const u64 = (n) => bytes(8, (b) => b.writeBigUInt64LE(BigInt(n)));
  const string = (s) => {
    u64(Buffer.byteLength(s));
    parts.push(Buffer.from(s));
  };
  const scalar = { u32, i32: (n) => bytes(4, (b) => b.writeInt32LE(n)), f32: (n) => bytes(4, (b) => b.writeFloatLE(n)), string };

  parts.push(Buffer.from('GGUF'));
  u32(3);
  u64(tensors.length);
  u64(metadata.length);
  for (const entry of metadata) {
    if (Buffer.isBuffer(entry)) {
      parts.push(entry);
      continue;
    }
    const [key, value] = entry;
    string(key);
    if (typeof value === 'string') {
      u32(STRING);
      string(value);
    } else if (Array.isArray(value)) {
      u32(TYPES[value[0]]);
      scalar[value[0]](value[1]);
    } else {
      const [[type, items]] = Object.entries(value);
      u32(ARRAY);
      u32(type === 'string' ? STRING : TYPES[type]);
      u64(items.length);
      items.forEach(scalar[type]);
    }
  }
  let offset = 0;
  let tensorBytes = 0;
  const places = [];
  for (const [name, shape, type] of tensors) {
    const [id, elements, blockBytes] = type;
    const length = (shape.reduce((a, b) => a * b, 1) / elements) * blockBytes;
    string(name);
    u32(shape.length);
    shape.forEach(u64);
    u32(id);
    u64(offset);
    places.push({ offset, length, pattern: type === F32 ? ones() : noise() });
    tensorBytes += length;
    offset = align(offset + length);
  }
  const head = Buffer.concat(parts);
  const header = Buffer.concat([head, Buffer.alloc(align(head.length) - head.length)]);
  return {
    header,
    size: header.length + offset,
    tensorBytes,
    stream: (start, end) => emit(header, places, start, end),
  };
}

async function* emit(header, places, start, end) {
  if (start < header.length) {
    yield header.subarray(start, Math.min(end, header.length));
  }
  let at = Math.max(start, header.length) - header.length;
  const stop = end - header.length;
  for (const { offset, length, pattern } of places) {
    while (at < Math.min(offset + length, stop) && at >= offset) {
      const from = (at - offset) % pattern.length;
      const piece = pattern.subarray(from, from + Math.min(offset + length, stop) - at);
      yield piece;
      at += piece.length;
    }
    const padding = Math.min(align(offset + length), stop) - at;
    if (at >= offset && padding > 0) {
      yield Buffer.alloc(padding);
      at += padding;
    }
  }
}

/** Gains of a norm. */
function ones() {
  return Buffer.from(new Float32Array(1024).fill(1).buffer);
}

/** About a megabyte of Q8_0 blocks `[f16 scale | 32 x i8]`: scale 2^-12, quants from a seeded generator. */
let noiseOnce;
function noise() {
  if (noiseOnce === undefined) {
    noiseOnce = Buffer.alloc(34 * 30_000);
    let state = 1;
    for (let at = 0; at < noiseOnce.length; at += 34) {
      noiseOnce.writeUInt16LE(0x0c00, at);
      for (let i = 2; i < 34; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        noiseOnce[at + i] = state >>> 24;
      }
    }
  }
  return noiseOnce;
}
