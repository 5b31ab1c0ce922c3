// out[t, h] = sum_j softmax_j(scale * q[t, h] . k[j]) v[j],  j in the window that ends at pos + t
//
// Thread or workgroup (head, row and split): for few rows, and for adapters whose threads run one after the other.
//!import heads
//!import qkv
//!import {{TOGETHER}}
//!import online

fn width() -> u32 {
    return params.n_head;
}

fn work(lane: u32, head: u32, y: u32) {
    let row = y / step.first;
    let part = y - row * step.first;
    let q_at = qkv_row(row) + head * DIM;
    for (var i = lane; i < QUADS; i += LANES) {
        let at = q_at + 4u * i;
        var q = vec4<f32>(qkv[at], qkv[at + 1u], 0.0, 0.0);
        if (4u * i + 2u < DIM) {
            q.z = qkv[at + 2u];
            q.w = qkv[at + 3u];
        }
        memory[i] = q * params.scale;
    }
    sync();
    let end = step.pos + row + 1u;
    let begin = first_key(end - 1u);
    let each = (end - begin + step.first - 1u) / step.first;
    go_over(lane, first_vector(head), begin + min(part * each, end - begin), min(begin + (part + 1u) * each, end));
    finish(lane, row, head, part);
}
