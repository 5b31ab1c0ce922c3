//! What wgpu 30 does not do in a browser: ask for subgroups, for which it has no name there, or see them; and say what the
//! shading language has without a panic where a WebGPU tells it in a form of its own.
//!
//! Everything else about subgroups works, since shaders go to a browser verbatim. So the request of our own device is completed on
//! its way: wgpu calls `requestDevice` before it waits for anything, and only for that one call another function stands in its
//! place. No other code of the page runs meanwhile, so nobody else's devices are touched. Where the feature is missing, or
//! anything is not as expected, the request stays as wgpu made it.

#[cfg(not(target_arch = "wasm32"))]
use std::future::Future;

/// What [`wgpu::Adapter::request_device`] gives.
type Opened = Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError>;

/// Asks for a device with `desc`, in a browser also for subgroups where the adapter has them.
#[cfg(not(target_arch = "wasm32"))]
pub fn request_device(
    adapter: &wgpu::Adapter,
    desc: &wgpu::DeviceDescriptor<'_>,
) -> impl Future<Output = Opened> + use<> {
    adapter.request_device(desc)
}

/// Shaders may use subgroups on this device.
#[cfg(not(target_arch = "wasm32"))]
pub fn has_subgroups(device: &wgpu::Device) -> bool {
    device.features().contains(wgpu::Features::SUBGROUP)
}

/// Shaders may use the packed products of bytes.
#[cfg(not(target_arch = "wasm32"))]
pub fn has_packed_products(instance: &wgpu::Instance) -> bool {
    let language = instance.wgsl_language_features();
    language.contains(wgpu::WgslLanguageFeatures::Packed4x8IntegerDotProduct)
}

#[cfg(target_arch = "wasm32")]
pub use web::{has_packed_products, has_subgroups, request_device};

#[cfg(target_arch = "wasm32")]
mod web {
    use std::future::Future;

    use js_sys::{Array, Function, Object, Proxy, Reflect};
    use wasm_bindgen::prelude::*;

    use super::Opened;

    const METHOD: &str = "requestDevice";
    const FEATURE: &str = "subgroups";
    const PACKED: &str = "packed_4x8_integer_dot_product";

    /// See the other one of this name.
    pub fn request_device(
        adapter: &wgpu::Adapter,
        desc: &wgpu::DeviceDescriptor<'_>,
    ) -> impl Future<Output = Opened> + use<> {
        let apply = Closure::<Apply>::new(complete);
        let replaced = replace(&apply);
        let opening = adapter.request_device(desc);
        if let Some((prototype, method)) = replaced {
            let _ = Reflect::set(&prototype, &METHOD.into(), &method); // what was there could be set before
        }
        opening
    }

    /// See the other one of this name.
    pub fn has_subgroups(device: &wgpu::Device) -> bool {
        device
            .as_webgpu()
            .is_some_and(|device| has(device, "features", FEATURE))
    }

    /// See the other one of this name.
    pub fn has_packed_products(_: &wgpu::Instance) -> bool {
        let gpu = get(&js_sys::global(), "navigator").and_then(|navigator| get(&navigator, "gpu"));
        gpu.is_some_and(|gpu| has(&gpu, "wgslLanguageFeatures", PACKED))
    }

    type Apply = dyn FnMut(Function, JsValue, Array) -> Result<JsValue, JsValue>;

    /// Puts a function that calls `apply` before it in the method's place; the prototype, and what was there. A proxy, since a
    /// closure is not told on which object it is called.
    fn replace(apply: &Closure<Apply>) -> Option<(JsValue, JsValue)> {
        let class = get(&js_sys::global(), "GPUAdapter")?;
        let prototype = get(&class, "prototype")?;
        let method = get(&prototype, METHOD)?;
        let handler = Object::new();
        Reflect::set(&handler, &"apply".into(), apply.as_ref()).ok()?;
        let instead = Proxy::new(&method, &handler);
        let done = Reflect::set(&prototype, &METHOD.into(), &instead).ok()?;
        done.then_some((prototype, method))
    }

    /// Calls `method` on `adapter`, with one feature more required, where the adapter has it.
    fn complete(method: Function, adapter: JsValue, args: Array) -> Result<JsValue, JsValue> {
        if let Some(required) = get(&args.get(0), "requiredFeatures")
            && has(&adapter, "features", FEATURE)
        {
            required.unchecked_into::<Array>().push(&FEATURE.into()); // wgpu's own, made for this call
        }
        Reflect::apply(&method, &adapter, &args)
    }

    /// The set of that name has this feature.
    fn has(of: &JsValue, set: &str, feature: &str) -> bool {
        let asked = get(of, set).and_then(|set| {
            let has: Function = get(&set, "has")?.dyn_into().ok()?;
            has.call1(&set, &feature.into()).ok()
        });
        asked.is_some_and(|answer| answer.is_truthy())
    }

    /// A property that is there.
    fn get(of: &JsValue, name: &str) -> Option<JsValue> {
        let value = Reflect::get(of, &name.into()).ok()?;
        (!value.is_undefined() && !value.is_null()).then_some(value)
    }
}
