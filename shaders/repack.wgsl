// Deals raw file blocks into the planes wq and wd, bit for bit: the layouts are drawn in src/quant/planes.rs, which also gives
// the numbers. A thread deals one sub-block of 32 weights.
//!import step
//!import grid
//!import repack_{{KIND}}

struct Params {
    blocks: u32,    // in a row
    wq_stride: u32, // words of wq per row
    wd_stride: u32, // words of wd per row
}

@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> wq: array<u32>; // [N, wq_stride]
@group(0) @binding(3) var<storage, read_write> wd: array<u32>; // [N, wd_stride]
@group(0) @binding(4) var<storage, read> raw: array<u32>;      // whole rows of blocks, without gaps

// A block of the file: its bytes and sub-blocks, where its quants' low and high bits begin.
const BYTES = {{BYTES}}u;
const SUBS = {{SUBS}}u;
const LOW_FROM = {{LOW_FROM}}u;
const HIGH_FROM = {{HIGH_FROM}}u;

// Bits of a quant in wq and in wd.
const LOW = {{LOW}}u;
const HIGH = {{HIGH}}u;
const LOW_MASK = 0x01010101u * ((1u << LOW) - 1u);
const HIGH_MASK = 0x01010101u * ((1u << HIGH) - 1u);
// Where no bits are high, nothing is divided by this.
const HIGH_STEP = max(HIGH, 1u);

// The 32 bits at a byte: blocks begin anywhere.
fn word_at(byte: u32) -> u32 {
    let shift = 8u * (byte & 3u);
    return (raw[byte / 4u] >> shift) | ((raw[byte / 4u + 1u] << (31u - shift)) << 1u);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let thread = group_index(group, groups) * 64u + lane;
    let sub = thread % SUBS;
    let number = thread / SUBS;
    let row = number / params.blocks;
    if (row >= step.rows) {
        return;
    }
    let block = number - row * params.blocks;
    let start = number * BYTES;
    let odd = block % {{GROUP}}u;
    let q = (step.first + row) * params.wq_stride + (block * SUBS + sub) * LOW;
    let d = (step.first + row) * params.wd_stride + block / {{GROUP}}u * {{WD}}u;
    let mine = d + odd * {{STRIDE}}u;

    for (var k = 0u; k < LOW; k += 1u) {
        var word = 0u;
        for (var j = k; j < 8u; j += LOW) {
            word |= low_bits(start, sub, j) << (LOW * (j / LOW));
        }
        wq[q + k] = word;
    }
    for (var k = 0u; k < HIGH; k += 1u) {
        var word = 0u;
        for (var j = k; j < 8u; j += HIGH_STEP) {
            word |= high_bits(start, sub, j) << (HIGH * (j / HIGH_STEP));
        }
        wd[mine + {{HIGH_TO}}u + sub * HIGH + k] = word;
    }
    if (sub < {{SCALES}}u) {
        wd[mine + {{SCALES_TO}}u + sub] = word_at(start + {{SCALES_FROM}}u + 4u * sub);
    }
    // Two halves of this block, or one of this and one of the next, if the row has it.
    if (sub == 0u && odd == 0u) {
        var word = word_at(start + {{HALVES_FROM}}u);
        if ({{HALVES}}u == 1u) {
            word &= 0xffffu;
            if (block + 1u < params.blocks) {
                word |= word_at(start + BYTES + {{HALVES_FROM}}u) << 16u;
            }
        }
        wd[d + {{HALVES_TO}}u] = word;
    }
}
