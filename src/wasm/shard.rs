//! Shards as Web Workers: the leader's team, and a follower. What carries their messages is JavaScript's: `Team` and
//! `Exchange` of pkg/src/team.ts and exchange.ts.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::cpu::command::Order;
use crate::cpu::machine;
use crate::cpu::team::{Alone, Exchange, Readers, Recruiting, Team, Wait, reported};
use crate::error::{Error, Result};

#[wasm_bindgen]
extern "C" {
    /// `Exchange` of exchange.ts.
    pub type JsExchange;

    #[wasm_bindgen(method, catch)]
    fn start(
        this: &JsExchange,
        all: &mut [f32],
        bounds: &[u32],
        to_leader: bool,
    ) -> std::result::Result<Option<Promise>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn finish(this: &JsExchange, all: &mut [f32], bounds: &[u32]) -> std::result::Result<(), JsValue>;

    /// `Team` of team.ts.
    #[wasm_bindgen(extends = JsExchange)]
    type JsTeam;

    #[wasm_bindgen(method, getter)]
    fn ranks(this: &JsTeam) -> usize;

    #[wasm_bindgen(method, catch)]
    fn send(this: &JsTeam, rank: usize, order: &[u8], payload: &[u8]) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method)]
    fn settle(this: &JsTeam) -> Promise;

    #[wasm_bindgen(method)]
    fn dispose(this: &JsTeam);
}

/// The compiled module of this instance, for the instances of other workers.
#[wasm_bindgen]
pub fn compiled_module() -> JsValue {
    wasm_bindgen::module()
}

/// A shard that is not the leader.
#[wasm_bindgen]
pub struct Shard {
    shard: machine::Shard,
    exchange: Meeting,
}

#[wasm_bindgen]
impl Shard {
    /// Shard `rank` of `ranks`; 0 is the leader.
    #[wasm_bindgen(constructor)]
    pub fn new(rank: usize, ranks: usize, exchange: JsExchange) -> Shard {
        Shard {
            shard: machine::Shard::new(rank, ranks),
            exchange: Meeting(exchange),
        }
    }

    /// Carries out one order; calls must not overlap. Throws the error as JSON text, which the leader reads.
    pub async fn handle(&mut self, order: Vec<u8>, payload: Vec<u8>) -> std::result::Result<(), JsValue> {
        let done = async {
            let order = Order::decode(&order)?;
            self.shard.handle(&order, &payload, &mut self.exchange).await
        };
        done.await.map_err(|error| error.to_json().to_string().into())
    }
}

/// A place in the exchange.
struct Meeting(JsExchange);

impl Exchange for Meeting {
    fn gather<'a>(&'a mut self, all: &'a mut [f32], bounds: &'a [usize], readers: Readers) -> Wait<'a> {
        gather(&self.0, all, bounds, readers)
    }
}

fn gather<'a>(js: &'a JsExchange, all: &'a mut [f32], bounds: &'a [usize], readers: Readers) -> Wait<'a> {
    let bounds: &[u32] = bytemuck::cast_slice(bounds); // a Wasm address has 32 bits
    match js.start(all, bounds, readers == Readers::Leader) {
        Ok(None) => Wait::Ready(Ok(())),
        Ok(Some(parts)) => Wait::Later(Box::pin(async move {
            JsFuture::from(parts).await.map_err(lost)?;
            js.finish(all, bounds).map_err(lost)
        })),
        Err(thrown) => Wait::Ready(Err(lost(thrown))),
    }
}

/// The leader's followers.
struct Workers(JsTeam);

impl Exchange for Workers {
    fn gather<'a>(&'a mut self, all: &'a mut [f32], bounds: &'a [usize], readers: Readers) -> Wait<'a> {
        gather(&self.0, all, bounds, readers)
    }
}

impl Team for Workers {
    fn ranks(&self) -> usize {
        self.0.ranks()
    }

    fn send(&mut self, rank: usize, order: &Order, payload: &[u8]) -> Result<()> {
        self.0.send(rank, &order.encode()?, payload).map_err(lost)
    }

    fn settle(&mut self) -> Wait<'_> {
        let done = JsFuture::from(self.0.settle());
        Wait::Later(Box::pin(async move { done.await.map(|_| ()).map_err(lost) }))
    }

    fn exchange(&mut self) -> &mut dyn Exchange {
        self
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.dispose();
    }
}

/// Asks `recruit` of the worker's script (recruit.ts) for followers, for a model of `bytes` bytes.
pub fn recruiter(recruit: Function, bytes: f64) -> impl FnMut(Option<usize>) -> Recruiting {
    move |threads| {
        let threads = threads.map_or(JsValue::UNDEFINED, |n| JsValue::from_f64(n as f64));
        let asked = recruit.call2(&JsValue::NULL, &threads, &bytes.into());
        Box::pin(async move {
            let promise: Promise = asked.map_err(lost)?.unchecked_into();
            let found = JsFuture::from(promise).await.map_err(lost)?;
            let team: Box<dyn Team> = match found.is_undefined() {
                true => Box::new(Alone),
                false => Box::new(Workers(found.unchecked_into())),
            };
            Ok(team)
        })
    }
}

/// What the script threw: a follower's own error where that is known, else that it is lost.
fn lost(thrown: JsValue) -> Error {
    let text = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).ok()?.as_string();
    let detail = Reflect::get(&thrown, &"detail".into()).unwrap_or(JsValue::UNDEFINED);
    let said = text(&detail, "said").and_then(|said| reported(&said));
    said.unwrap_or_else(|| Error::WorkerFailed {
        message: text(&thrown, "message").unwrap_or_else(|| format!("{thrown:?}")),
    })
}
