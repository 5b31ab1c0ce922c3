//! Every composed shader is valid WGSL, checked without a GPU.

use std::collections::BTreeSet;

use kinglet::kernels::all_variants;
use kinglet::kernels::wgsl::Extra;
use naga::valid::ModuleInfo;

/// Workgroup memory that every WebGPU device has (`maxComputeWorkgroupStorageSize`); more is never asked for.
const WORKGROUP_BYTES: u32 = 16_384;

/// Workgroup memory of an entry point, as WebGPU counts it: what it uses, each variable in whole 16 bytes.
fn workgroup_bytes(module: &naga::Module, info: &ModuleInfo, entry: &str) -> u32 {
    let at = module
        .entry_points
        .iter()
        .position(|e| e.name == entry)
        .expect("the entry");
    let uses = info.get_entry_point(at);
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx()).expect("sizes");
    let ours = module
        .global_variables
        .iter()
        .filter(|(handle, var)| var.space == naga::AddressSpace::WorkGroup && !uses[*handle].is_empty());
    ours.map(|(_, var)| layouter[var.ty].size.next_multiple_of(16)).sum()
}

#[test]
fn every_variant_validates() {
    let (mut seen, mut most) = (BTreeSet::new(), 0);
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
        let info = validator
            .validate(&module)
            .unwrap_or_else(|e| panic!("{label}:\n{}", e.emit_to_string(&source)));
        let bytes = workgroup_bytes(&module, &info, variant.entry);
        assert!(bytes <= WORKGROUP_BYTES, "{label}: {bytes} bytes of workgroup memory");
        most = most.max(bytes);
    }
    assert!(most > WORKGROUP_BYTES / 2, "{most} bytes: nothing was counted");
    assert!(!seen.is_empty());
}

#[test]
fn workgroup_memory_is_counted_as_it_is_used() {
    let source = "var<workgroup> a: array<u32, 4097>; var<workgroup> b: array<u32, 9>;
        @compute @workgroup_size(1) fn one() { a[0] = 1u; b[0] = 1u; }
        @compute @workgroup_size(1) fn other() { b[0] = 1u; }";
    let module = naga::front::wgsl::parse_str(source).expect("valid");
    let (flags, none) = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
    let info = naga::valid::Validator::new(flags, none)
        .validate(&module)
        .expect("valid");
    assert_eq!(workgroup_bytes(&module, &info, "one"), 16_400 + 48);
    assert_eq!(workgroup_bytes(&module, &info, "other"), 48);
}
