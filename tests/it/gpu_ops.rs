//! Twins: every kernel on the GPU against its CPU reference. (Matrix products and cached attention have files of their
//! own.)

use kinglet::kernels::{Style, add, add_bias, copy_rows, head_norm, rms_norm, rope, silu_mul};
use kinglet::ops::{HeadLayout, RopeOrder, RopeShape};

use crate::gpu_support::{AWKWARD, F32_EXACT, F32_SUM, assert_agree, download, recorder, upload, values};
use crate::support::Rng;

/// A token count for decode and one for a chunk of a prompt.
const ROWS: [usize; 2] = [1, 5];

/// Head layouts: Phi-3-mini, grouped queries, small and odd.
const HEADS: [HeadLayout; 4] = [heads(32, 32, 96), heads(12, 3, 128), heads(8, 4, 8), heads(3, 1, 6)];

const fn heads(n_head: usize, n_head_kv: usize, head_dim: usize) -> HeadLayout {
    HeadLayout {
        n_head,
        n_head_kv,
        head_dim,
    }
}

#[test]
fn add_agrees() {
    let mut rng = Rng(1);
    let mut rec = recorder(Style::Serial);
    for cols in AWKWARD {
        for rows in ROWS {
            let (a, b) = (values(&mut rng, rows * cols), values(&mut rng, rows * cols));
            let mut out = upload(&mut rec, rows, cols, &a);
            let x = upload(&mut rec, rows, cols, &b);
            let p = add::Params { cols: cols as u32 };
            add::gpu(&mut rec, &p, &mut out, &x).expect("records");
            let mut want = a;
            add::cpu(&p, &mut want, &b);
            assert_agree(
                &format!("add {rows}x{cols}"),
                &download(&mut rec, &out),
                &want,
                F32_EXACT,
            );
        }
    }
}

#[test]
fn add_bias_agrees() {
    let mut rng = Rng(2);
    let mut rec = recorder(Style::Serial);
    for cols in AWKWARD {
        for rows in ROWS {
            let (a, b) = (values(&mut rng, rows * cols), values(&mut rng, cols));
            let mut out = upload(&mut rec, rows, cols, &a);
            let bias = upload(&mut rec, 1, cols, &b);
            let p = add_bias::Params { cols: cols as u32 };
            add_bias::gpu(&mut rec, &p, &mut out, &bias).expect("records");
            let mut want = a;
            add_bias::cpu(&p, &mut want, &b);
            assert_agree(
                &format!("add_bias {rows}x{cols}"),
                &download(&mut rec, &out),
                &want,
                F32_EXACT,
            );
        }
    }
}

#[test]
fn rms_norm_agrees() {
    let mut rng = Rng(3);
    for style in Style::ALL {
        let mut rec = recorder(style);
        for cols in AWKWARD {
            for rows in ROWS {
                let (a, g) = (values(&mut rng, rows * cols), values(&mut rng, cols));
                let x = upload(&mut rec, rows, cols, &a);
                let gain = upload(&mut rec, 1, cols, &g);
                let mut out = rec.tensor("out", rows, cols).expect("tensor");
                let p = rms_norm::Params {
                    cols: cols as u32,
                    eps: 1e-5,
                };
                rms_norm::gpu(&mut rec, &p, &mut out, &x, &gain).expect("records");
                let mut want = vec![0.0; rows * cols];
                rms_norm::cpu(&p, &mut want, &a, &g);
                let what = format!("rms_norm {style:?} {rows}x{cols}");
                assert_agree(&what, &download(&mut rec, &out), &want, F32_SUM);
            }
        }
    }
}

#[test]
fn rms_norm_of_zeros_is_zero() {
    for style in Style::ALL {
        let mut rec = recorder(style);
        let x = upload(&mut rec, 1, 33, &[0.0; 33]);
        let gain = upload(&mut rec, 1, 33, &[1.0; 33]);
        let mut out = upload(&mut rec, 1, 33, &[7.0; 33]);
        let p = rms_norm::Params { cols: 33, eps: 1e-6 };
        rms_norm::gpu(&mut rec, &p, &mut out, &x, &gain).expect("records");
        assert_eq!(download(&mut rec, &out), [0.0; 33]);
    }
}

#[test]
fn silu_mul_agrees() {
    let mut rng = Rng(4);
    let mut rec = recorder(Style::Serial);
    for n_ff in AWKWARD {
        for rows in ROWS {
            let mut a = values(&mut rng, rows * 2 * n_ff);
            if n_ff > 1 {
                a[0] = -200.0; // exp(200) overflows
            }
            let x = upload(&mut rec, rows, 2 * n_ff, &a);
            let mut out = rec.tensor("out", rows, n_ff).expect("tensor");
            let p = silu_mul::Params { n_ff: n_ff as u32 };
            silu_mul::gpu(&mut rec, &p, &mut out, &x).expect("records");
            let mut want = vec![0.0; rows * n_ff];
            silu_mul::cpu(&p, &mut want, &a);
            // exp() may be off by 3 + 2|x| ulps (WGSL's accuracy table): the bound of sums covers it.
            assert_agree(
                &format!("silu_mul {rows}x{n_ff}"),
                &download(&mut rec, &out),
                &want,
                F32_SUM,
            );
        }
    }
}

#[test]
fn copy_rows_agrees() {
    let mut rng = Rng(5);
    let mut rec = recorder(Style::Serial);
    for cols in AWKWARD {
        let a = values(&mut rng, 7 * cols);
        let x = upload(&mut rec, 7, cols, &a);
        for (first, rows) in [(6, 1), (0, 7), (2, 3)] {
            let mut out = rec.tensor("out", 7, cols).expect("tensor");
            out.set_rows(rows);
            let p = copy_rows::Params { cols: cols as u32 };
            copy_rows::gpu(&mut rec, &p, first, &mut out, &x).expect("records");
            let mut want = vec![0.0; rows * cols];
            copy_rows::cpu(&p, first, &mut want, &a);
            assert_eq!(download(&mut rec, &out), want, "rows {first}.. of {cols} columns");
        }
    }
}

#[test]
fn head_norm_agrees() {
    let mut rng = Rng(6);
    for style in Style::ALL {
        let mut rec = recorder(style);
        for h in HEADS {
            for rows in ROWS {
                let a = values(&mut rng, rows * h.cols());
                let gains = [values(&mut rng, h.head_dim), values(&mut rng, h.head_dim)];
                let mut qkv = upload(&mut rec, rows, h.cols(), &a);
                let [q, k] = gains.each_ref().map(|g| upload(&mut rec, 1, h.head_dim, g));
                let [n_head, n_head_kv, head_dim] = [h.n_head, h.n_head_kv, h.head_dim].map(|n| n as u32);
                let p = head_norm::Params {
                    n_head,
                    n_head_kv,
                    head_dim,
                    eps: 1e-6,
                };
                head_norm::gpu(&mut rec, &p, &mut qkv, &q, &k).expect("records");
                let mut want = a;
                head_norm::cpu(&p, &mut want, &gains[0], &gains[1]);
                let what = format!("head_norm {style:?} {h:?} {rows} rows");
                assert_agree(&what, &download(&mut rec, &qkv), &want, F32_SUM);
            }
        }
    }
}

#[test]
fn rope_agrees_at_the_start_and_at_the_end_of_the_context() {
    const N_CTX: usize = 70;
    let mut rng = Rng(7);
    let mut rec = recorder(Style::Serial);
    for h in HEADS {
        for (order, n_rot) in [
            (RopeOrder::HalfSplit, h.head_dim),
            (RopeOrder::Interleaved, h.head_dim),
            (RopeOrder::HalfSplit, (h.head_dim * 3 / 4) & !1),
        ] {
            let angles: Vec<f32> = (0..N_CTX * n_rot).map(|_| rng.unit()).collect();
            let table = upload(&mut rec, N_CTX, n_rot, &angles);
            for (pos, rows) in [(0, 5), (N_CTX - 3, 3), (N_CTX - 1, 1)] {
                let a = values(&mut rng, rows * h.cols());
                let mut qkv = upload(&mut rec, rows, h.cols(), &a);
                let p = rope::Params::from(&RopeShape { heads: h, n_rot, order });
                rec.begin(pos, &[]).expect("begins");
                rope::gpu(&mut rec, &p, &mut qkv, &table).expect("records");
                let mut want = a;
                rope::cpu(&p, pos, &mut want, &angles);
                let what = format!("rope {h:?} {order:?} n_rot {n_rot} at {pos}");
                assert_agree(&what, &download(&mut rec, &qkv), &want, F32_EXACT);
            }
        }
    }
}
