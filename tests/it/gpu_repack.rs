//! Twins of the kernel that deals file blocks into planes: bit for bit, whatever is filled in which pieces.

use kinglet::Error;
use kinglet::backend::gpu::{Drill, Gpu, GpuOptions};
use kinglet::gpu::{Device, Recorder, Style};
use kinglet::kernels::repack;
use kinglet::kernels::weight::Weight;
use kinglet::ops::{Ops, PartShape, Split};
use kinglet::quant::DType;
use kinglet::quant::planes::{plane_words, unpack_rows};
use pollster::block_on;

use crate::gpu_support::{choose_driver, device, open};
use crate::support::Rng;

fn shape(dtype: DType, rows: usize, cols: usize) -> PartShape {
    PartShape {
        name: format!("{dtype}"),
        dtype,
        rows,
        cols,
    }
}

fn row_bytes(t: DType, cols: usize) -> usize {
    t.row_bytes(cols).expect("whole blocks")
}

fn random(rng: &mut Rng, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| rng.next_u64() as u8).collect()
}

/// Numbers of columns: one block, an odd number of blocks, many; for floats anything.
fn columns(t: DType) -> [usize; 4] {
    match t.block_len() {
        1 => [1, 33, 257, 1757],
        block => [block, 2 * block, 3 * block, 11 * block],
    }
}

/// The planes of every piece, in the order of rows: format, rows, wq, wd.
fn planes(rec: &mut Recorder, w: &Weight) -> Vec<(DType, usize, Vec<u32>, Vec<u32>)> {
    let mut all = Vec::new();
    for piece in w.pieces() {
        let (vec4s, words) = plane_words(piece.dtype, w.cols());
        let [wq, wd] = [(&piece.wq, 4 * vec4s), (&piece.wd, words)].map(|(buffer, stride)| {
            let bytes = block_on(rec.read(buffer, (piece.rows * stride * 4) as u64)).expect("reads");
            bytemuck::pod_collect_to_vec(&bytes)
        });
        all.push((piece.dtype, piece.rows, wq, wd));
    }
    all
}

/// Compares the pieces of `w` with the CPU's planes of `parts`, which are its bytes in the order of rows.
fn compare(rec: &mut Recorder, w: &Weight, parts: &[(DType, Vec<u8>)]) -> Result<(), String> {
    let mut rest: Vec<(DType, &[u8])> = parts.iter().map(|(t, bytes)| (*t, &bytes[..])).collect();
    for (i, (t, rows, wq, wd)) in planes(rec, w).into_iter().enumerate() {
        let mut bytes = Vec::new();
        while bytes.len() < rows * row_bytes(t, w.cols()) {
            let (format, part) = rest.first_mut().ok_or("more rows than were filled")?;
            assert_eq!(*format, t);
            let (now, later) = part.split_at(part.len().min(rows * row_bytes(t, w.cols()) - bytes.len()));
            bytes.extend_from_slice(now);
            *part = later;
            if later.is_empty() {
                rest.remove(0);
            }
        }
        let want = repack::cpu(t, w.cols(), &bytes).expect("whole rows");
        let differs = |got: &[u32], want: &[u32]| got.iter().zip(want).position(|(a, b)| a != b);
        if let Some(at) = differs(&wq, &want.0) {
            return Err(format!("piece {i} of {t}: word {at} of wq"));
        }
        if let Some(at) = differs(&wd, &want.1) {
            return Err(format!("piece {i} of {t}: word {at} of wd"));
        }
        if unpack_rows(t, w.cols(), &wq, &wd).expect("whole rows") != bytes {
            return Err(format!("piece {i} of {t} has lost bytes"));
        }
    }
    match rest.is_empty() {
        true => Ok(()),
        false => Err("fewer rows than were filled".into()),
    }
}

/// Fills all rows of a part in pieces of awkward sizes, the last piece first.
fn fill(rec: &mut Recorder, w: &mut Weight, part: usize, t: DType, bytes: &[u8], rng: &mut Rng) {
    let row = row_bytes(t, w.cols());
    let (mut end, rows) = (bytes.len() / row, bytes.len() / row);
    while end > 0 {
        let first = end - (1 + rng.below(rows.div_ceil(2))).min(end);
        w.fill(rec, part, first, &bytes[first * row..end * row]).expect("fills");
        end = first;
    }
}

#[test]
fn every_format_is_dealt_as_the_cpu_does_it() {
    let mut rng = Rng(90);
    for t in DType::ALL {
        for cols in columns(t) {
            for rows in [1, 2, 7, 33] {
                let mut rec = Recorder::new(device().with_style(Style::Tree)).expect("recorder");
                let mut w = Weight::new(&mut rec, &[shape(t, rows, cols)]).expect("allocates");
                let bytes = random(&mut rng, rows * row_bytes(t, cols));
                fill(&mut rec, &mut w, 0, t, &bytes, &mut rng);
                if let Err(wrong) = compare(&mut rec, &w, &[(t, bytes)]) {
                    panic!("{t} [{rows}, {cols}]: {wrong}");
                }
            }
        }
    }
}

/// Parts of one format that lie in one buffer, of several formats, and a limit that splits them by rows.
#[test]
fn parts_and_pieces_are_dealt_where_they_belong() {
    let mut rng = Rng(91);
    let cols = 768;
    for formats in [
        [DType::Q4K, DType::Q4K, DType::Q6K],
        [DType::Q8_0, DType::Q5_0, DType::Q5_0],
        [DType::Q3K, DType::F16, DType::Q3K],
    ] {
        for limit in [u64::MAX, 4096] {
            let mut rec = Recorder::new(device().with_style(Style::Tree).with_max_binding(limit)).expect("recorder");
            let parts = [5, 17, 12].into_iter().zip(formats);
            let parts: Vec<_> = parts
                .map(|(rows, t)| (t, random(&mut rng, rows * row_bytes(t, cols))))
                .collect();
            let shapes: Vec<_> = parts
                .iter()
                .map(|(t, bytes)| shape(*t, bytes.len() / row_bytes(*t, cols), cols))
                .collect();
            let mut w = Weight::new(&mut rec, &shapes).expect("allocates");
            for part in [2, 0, 1] {
                let (t, bytes) = &parts[part];
                fill(&mut rec, &mut w, part, *t, bytes, &mut rng);
            }
            compare(&mut rec, &w, &parts).expect("equal");
            assert_eq!(w.pieces().len() > 3, limit < u64::MAX);
            let (t, bytes) = &parts[2];
            let row = &bytes[..row_bytes(*t, cols)];
            assert!(w.fill(&mut rec, 2, 12, row).is_err(), "a row behind the last");
            assert!(w.fill(&mut rec, 2, 0, &row[1..]).is_err(), "not a whole row");

            // One bit of the middle part.
            let mut wrong = parts.clone();
            let (at, bit) = (rng.below(wrong[1].1.len()), rng.below(8));
            wrong[1].1[at] ^= 1 << bit;
            assert!(compare(&mut rec, &w, &wrong).is_err(), "bit {bit} of byte {at}");
        }
    }
}

/// On the device alone, without the CPU's word for it: rows that differ from the first in one bit each.
#[test]
fn every_bit_of_a_row_is_one_bit_of_the_planes() {
    let mut rng = Rng(92);
    for t in DType::ALL.into_iter().filter(|t| t.block_len() > 1) {
        let cols = 3 * t.block_len();
        let first = random(&mut rng, row_bytes(t, cols));
        let rows = 1 + 8 * first.len();
        let mut bytes = first.repeat(rows);
        for bit in 0..rows - 1 {
            bytes[(bit + 1) * first.len() + bit / 8] ^= 1 << (bit % 8);
        }
        let mut rec = Recorder::new(device().with_style(Style::Tree)).expect("recorder");
        let mut w = Weight::new(&mut rec, &[shape(t, rows, cols)]).expect("allocates");
        w.fill(&mut rec, 0, 0, &bytes).expect("fills");
        let (_, _, wq, wd) = planes(&mut rec, &w).remove(0);
        let (vec4s, words) = plane_words(t, cols);
        let row = |r: usize| wq[r * 4 * vec4s..][..4 * vec4s].iter().chain(&wd[r * words..][..words]);
        let mut seen = std::collections::BTreeSet::new();
        for r in 1..rows {
            let changed = row(0).zip(row(r)).enumerate().filter(|(_, (a, b))| a != b);
            let changed: Vec<_> = changed.map(|(at, (a, b))| (at, a ^ b)).collect();
            assert!(
                changed.len() == 1 && changed[0].1.is_power_of_two(),
                "{t}: bit {r}: {changed:?}"
            );
            assert!(seen.insert(changed[0]), "{t}: bit {r} shares its place");
        }
    }
}

/// More than a slot has room for, in one call, with rows that begin at every byte of a word.
#[test]
fn more_than_a_slot_goes_in_turns() {
    const SLOT_BYTES: usize = 32 << 10; // an eighth of what there is
    let (t, cols) = (DType::Q6K, 3 * 256);
    let (row, kinds) = (row_bytes(t, cols), 7);
    let rows = 250_000 / row;
    let some = random(&mut Rng(93), kinds * row);
    let bytes: Vec<u8> = (0..rows)
        .flat_map(|r| &some[r % kinds * row..][..row])
        .copied()
        .collect();
    let mut rec = Recorder::new(device().with_style(Style::Tree)).expect("recorder");
    let mut w = Weight::new(&mut rec, &[shape(t, rows, cols)]).expect("allocates");
    let before = rec.stats();
    w.fill(&mut rec, 0, 0, &bytes).expect("fills");
    let turns = rows.div_ceil(SLOT_BYTES / row) as u64;
    assert_eq!(rec.stats().dispatches - before.dispatches, turns);
    assert_eq!(
        rec.stats().submits - before.submits,
        (turns - 1) / 2,
        "two dispatches in one submit"
    );
    let (_, _, wq, wd) = planes(&mut rec, &w).remove(0);
    let (want_q, want_d) = repack::cpu(t, cols, &some).expect("whole rows");
    let (q, d) = (want_q.len() / kinds, want_d.len() / kinds);
    for r in 0..rows {
        let kind = r % kinds;
        assert_eq!(wq[r * q..][..q], want_q[kind * q..][..q], "row {r}");
        assert_eq!(wd[r * d..][..d], want_d[kind * d..][..d], "row {r}");
    }
}

/// The planes are no larger than the file, but for what ends a row.
#[test]
fn planes_take_what_the_file_takes() {
    // Phi-3-mini: qkv, attention's output, gate and up, down, embedding and head.
    let matrices = [(9216, 3072), (3072, 3072), (16384, 3072), (3072, 8192), (32064, 3072)];
    let own = open().with_style(Style::Tree); // what others hold is counted, too
    for t in DType::ALL {
        for (rows, cols) in matrices {
            let (vec4s, words) = plane_words(t, cols);
            let (planes, file) = (rows * (16 * vec4s + 4 * words), rows * row_bytes(t, cols));
            assert!(
                planes as f64 <= 1.03 * file as f64,
                "{t} [{rows}, {cols}]: {planes} for {file}"
            );
            assert!(planes >= file, "{t} [{rows}, {cols}]: {planes} cannot hold {file}");
        }
        // What is allocated is that, and what is held beside it is returned.
        let mut gpu = Gpu::on(own.clone()).expect("a backend");
        let before = gpu.stats();
        let mut w = gpu.weight(&[shape(t, 40, 3072)], &Split::rows(0)).expect("allocates");
        let bytes = vec![0x5a; 40 * row_bytes(t, 3072)];
        gpu.fill(&mut w, 0, 0, &bytes).expect("fills");
        let filled = gpu.stats();
        assert!(filled.bytes - before.bytes > bytes.len() as u64 + 1000);
        block_on(gpu.settle()).expect("settles");
        gpu.loaded().expect("loads");
        let held = gpu.stats().bytes - before.bytes;
        assert!(
            held as f64 <= 1.03 * bytes.len() as f64 + 16.0,
            "{t}: {held} for {}",
            bytes.len()
        );
        assert_eq!(gpu.stats().buffers - before.buffers, 2, "{t}");
    }
}

#[test]
fn a_way_that_finds_no_memory_is_a_matter_of_size() {
    choose_driver();
    let options = GpuOptions {
        allow_software: true,
        drill: Drill::memory(80_000),
        ..Default::default()
    };
    let mut gpu = Gpu::on(
        block_on(Device::open(&options))
            .expect("an adapter")
            .with_style(Style::Tree),
    )
    .expect("a backend");
    let fits = gpu.weight(&[shape(DType::Q4K, 40, 768)], &Split::rows(0));
    assert!(fits.is_ok());
    match gpu.weight(&[shape(DType::Q4K, 400, 768)], &Split::rows(0)) {
        Err(Error::TooLarge { what, .. }) => assert!(what.contains("on their way"), "{what}"),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[test]
fn a_device_that_is_lost_while_weights_are_dealt_says_so() {
    choose_driver();
    let options = GpuOptions {
        allow_software: true,
        drill: Drill::lose_at([1]),
        ..Default::default()
    };
    let mut gpu = Gpu::on(
        block_on(Device::open(&options))
            .expect("an adapter")
            .with_style(Style::Tree),
    )
    .expect("a backend");
    let t = DType::Q4K;
    let mut w = gpu.weight(&[shape(t, 40, 768)], &Split::rows(0)).expect("allocates");
    let row = vec![1; row_bytes(t, 768)];
    let filled: Result<(), Error> = (0..40).try_for_each(|r| gpu.fill(&mut w, 0, r, &row));
    let outcome = filled.and_then(|()| block_on(gpu.settle()));
    assert_eq!(outcome.map_err(|error| error.code()), Err("gpu_lost"));
}
