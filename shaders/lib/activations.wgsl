// A sub-block of what the kernel has in its x_at.
fn activations(at: u32) -> Activations {
    return Activations(
        x_at(at),
        x_at(at + 1u),
        x_at(at + 2u),
        x_at(at + 3u),
        x_at(at + 4u),
        x_at(at + 5u),
        x_at(at + 6u),
        x_at(at + 7u),
    );
}
