// One token: heads made ready, its key and value into the cache, and attention over the cache and itself
//
// Workgroup (head, split). What this dispatch writes it does not read: the token's own key and value are at
// hand. They belong to the first split; earlier positions are shared out among all.
//!import heads
//!import qkv
//!import {{TOGETHER}}
//!import turn
//!import {{PUT}}
//!import online

fn work(lane: u32, head: u32, part: u32) {
    let group = params.n_head / params.n_head_kv;
    let head_kv = head / group;
    let own = head_kv * params.n_ctx + step.pos; // where this position's vectors lie
    fetch(lane, 0u, 0u, head * DIM);
    fetch(lane, 1u, 0u, (params.n_head + head_kv) * DIM);
    fetch(lane, 2u, 0u, (params.n_head + params.n_head_kv + head_kv) * DIM);
    sync();
    turn(lane, 0u, 0u, step.pos);
    turn(lane, 1u, 1u, step.pos);
    sync();
    for (var i = lane; i < DIM; i += LANES) {
        raw[i] *= params.scale;
    }
    to_memory(lane);

    let begin = first_key(step.pos);
    let each = (step.pos - begin + step.first - 1u) / step.first;
    if (part == 0u) {
        var score = 0.0;
        for (var c = lane; c < CHUNKS; c += LANES) {
            let k_scale = block_scale(QUADS, c);
            let v_scale = block_scale(2u * QUADS, c);
            let k = packed(wide_load(QUADS + c * PER), k_scale);
            let v = packed(wide_load(2u * QUADS + c * PER), v_scale);
            // As the cache will have them.
            score += wide_dot(wide_load(c * PER), unpacked(k, k_scale));
            wide_store(SUMS + c * PER, unpacked(v, v_scale));
            if (head % group == 0u) {
                put_key(own, c, k, k_scale);
                put_value(own, c, v, v_scale);
            }
        }
        highest = all_sum(lane, score);
        weight_sum = select(0.0, 1.0, lane == 0u);
    }
    go_over(lane, first_vector(head), begin + min(part * each, step.pos - begin), min(begin + (part + 1u) * each, step.pos));
    finish(lane, 0u, head, part);
}
