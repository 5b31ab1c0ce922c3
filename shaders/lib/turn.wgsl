// Heads of the projection made ready: bias, norm, rotation. They are fetched into `raw`, worked on there, and end as
// fours in `memory`, from 0 on.
//!import {{BIAS}}
//!import {{GAINS}}

@group(0) @binding({{TABLE}}) var<storage, read> table: array<vec2<f32>>; // [n_ctx, n_rot]: (cos, sin) of each pair

const PADDED = 4u * QUADS;
var<{{SPACE}}> raw: array<f32, {{VECTORS}}u * PADDED>;

// The head at column `col` of the row that begins at `row_at` becomes vector number `to`.
fn fetch(lane: u32, to: u32, row_at: u32, col: u32) {
    for (var i = lane; i < DIM; i += LANES) {
        raw[to * PADDED + i] = projected(row_at + col + i) + bias_at(col + i);
    }
}

// Norm and rotation of vector number `number`, a query (`kind` 0) or a key (1). All lanes come here.
fn turn(lane: u32, number: u32, kind: u32, position: u32) {
    let at = number * PADDED;
    var scale = 1.0;
    if (NORMED) {
        var squares = 0.0;
        for (var i = lane; i < DIM; i += LANES) {
            squares = fma(raw[at + i], raw[at + i], squares);
        }
        scale = inverseSqrt(all_sum(lane, squares) / f32(DIM) + params.eps);
    }
    let angles = position * (row_stride(2u * params.rotated) / 2u);
    for (var pair = lane; pair < DIM / 2u; pair += LANES) {
        var a = 2u * pair;
        var b = a + 1u;
        var angle = vec2<f32>(1.0, 0.0);
        if (pair < params.rotated) {
            a = pair * params.pair_step;
            b = a + params.pair_gap;
            angle = table[angles + pair];
        }
        let x = raw[at + a] * scale * gain(kind, a);
        let y = raw[at + b] * scale * gain(kind, b);
        raw[at + a] = x * angle.x - y * angle.y;
        raw[at + b] = x * angle.y + y * angle.x;
    }
}

// All lanes come here, and go on when all are done.
fn to_memory(lane: u32) {
    sync();
    for (var i = lane; i < {{VECTORS}}u * QUADS; i += LANES) {
        memory[i] = vec4<f32>(raw[4u * i], raw[4u * i + 1u], raw[4u * i + 2u], raw[4u * i + 3u]);
    }
    sync();
}
