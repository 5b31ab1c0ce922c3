//! Twins: every kernel on the GPU against its CPU reference.

use kinglet::kernels::add;

use crate::gpu_support::{AWKWARD, F32_EXACT, STYLES, assert_agree, download, recorder, upload, values};
use crate::support::Rng;

#[test]
fn add_agrees() {
    let mut rng = Rng(1);
    let mut rec = recorder(STYLES[0]);
    for cols in AWKWARD {
        for rows in [1, 3] {
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
