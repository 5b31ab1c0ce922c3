//! Every composed shader is valid WGSL, checked without a GPU.

use std::collections::BTreeSet;

use kinglet::kernels::all_variants;
use kinglet::kernels::wgsl::Extra;

#[test]
fn every_variant_validates() {
    let mut seen = BTreeSet::new();
    for variant in all_variants().into_iter().chain(kinglet::bench::variants()) {
        let label = variant.label();
        assert!(seen.insert(label.clone()), "{label} is listed twice");
        let source = variant.wgsl().unwrap_or_else(|e| panic!("{label}: {e}"));
        let module =
            naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{label}:\n{}", e.emit_to_string(&source)));
        let entries: Vec<_> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
        assert!(
            entries.contains(&variant.entry),
            "{label}: entry points are {entries:?}"
        );
        let flags = naga::valid::ValidationFlags::all();
        // pack2x16float is in every WebGPU device (naga keeps a capability for GLES); nothing else is asked for.
        // A shader that uses more than its variant declares does not pass.
        let mut has = naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32;
        for extra in &variant.extras {
            has |= match extra {
                Extra::Subgroups => naga::valid::Capabilities::SUBGROUP,
                Extra::F16 => naga::valid::Capabilities::SHADER_FLOAT16,
                Extra::Int8 => naga::valid::Capabilities::empty(),
            };
        }
        let mut validator = naga::valid::Validator::new(flags, has);
        validator.subgroup_stages(naga::valid::ShaderStages::COMPUTE);
        validator.subgroup_operations(naga::valid::SubgroupOperationSet::all());
        if let Err(e) = validator.validate(&module) {
            panic!("{label}:\n{}", e.emit_to_string(&source));
        }
    }
    assert!(!seen.is_empty());
}
