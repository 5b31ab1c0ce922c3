// What changes from step to step. Bind groups and command structure do not.
struct Step {
    pos: u32,   // position of row 0
    rows: u32,  // rows in use in this dispatch
    first: u32, // first source row (copy_rows)
    unused: u32,
}

@group(0) @binding(0) var<uniform> step: Step;

// Columns are padded with zeros so that every row begins on a 128-byte border.
fn row_stride(cols: u32) -> u32 {
    return (cols + 31u) & ~31u;
}
