//! A team of threads: one for each follower, with a mailbox of orders and a place in the exchange.
//!
//! Whoever waits spins for a moment, for the others are about as fast, and then sleeps: an idle team costs nothing.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::command::Order;
use super::machine::Shard;
use super::team::{Alone, Exchange, Readers, Recruiting, Team, Wait};
use crate::error::{Error, Result};

/// Most threads that are taken without being asked: beyond the fast cores of ordinary machines more threads wait for
/// memory, or are slow cores that the others wait for.
const MOST: usize = 8;

/// How long a waiting thread spins before it sleeps: waking one takes about as long.
const SPIN: Duration = Duration::from_micros(50);

/// Followers as threads of this machine; `None`: one shard for each core, at most 8.
pub fn recruit(threads: Option<usize>) -> Recruiting {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let ranks = threads.unwrap_or_else(|| cores().min(MOST)).max(1);
    Box::pin(std::future::ready(match ranks {
        1 => Ok(Box::new(Alone) as Box<dyn Team>),
        _ => Threads::new(ranks).map(|team| Box::new(team) as Box<dyn Team>),
    }))
}

/// What one thread tells the others with.
#[derive(Default)]
struct Place {
    /// Gathers that the shard has brought its part to.
    arrived: AtomicU64,
    /// Orders sent to it.
    sent: AtomicU64,
    /// Orders it has carried out.
    handled: AtomicU64,
    orders: Mutex<VecDeque<(Order, Vec<u8>)>>,
    /// Its part of the last two gathers, by parity: one may be read while the next is written.
    parts: [RwLock<Vec<f32>>; 2],
}

#[derive(Default)]
struct Hall {
    places: Vec<Place>,
    /// The team ends, or a shard has failed.
    over: AtomicBool,
    error: Mutex<Option<Error>>,
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    bell: Condvar,
}

/// A poisoned lock guards plain data here; the panic itself is reported by the thread's guard.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hall {
    /// Waits until `ready`; an error when the team is over first.
    fn wait(&self, ready: impl Fn() -> bool) -> Result<()> {
        let begin = Instant::now();
        while !ready() && !self.over.load(SeqCst) {
            if begin.elapsed() < SPIN {
                std::hint::spin_loop();
                continue;
            }
            let mut asleep = lock(&self.sleep);
            self.sleepers.fetch_add(1, SeqCst);
            // `ring` comes after every change: either it sees the sleeper, or the sleeper sees the change.
            while !ready() && !self.over.load(SeqCst) {
                asleep = self.bell.wait(asleep).unwrap_or_else(PoisonError::into_inner);
            }
            self.sleepers.fetch_sub(1, SeqCst);
        }
        if ready() { Ok(()) } else { Err(self.why()) }
    }

    /// Tells those who sleep that something has changed.
    fn ring(&self) {
        if self.sleepers.load(SeqCst) > 0 {
            drop(lock(&self.sleep));
            self.bell.notify_all();
        }
    }

    /// Ends the team; the first error is kept.
    fn end(&self, error: Error) {
        lock(&self.error).get_or_insert(error);
        self.over.store(true, SeqCst);
        self.ring();
    }

    fn why(&self) -> Error {
        lock(&self.error).clone().unwrap_or_else(|| Error::WorkerFailed {
            message: "the team has ended".into(),
        })
    }
}

/// A shard's place.
struct Seat {
    hall: Arc<Hall>,
    rank: usize,
    gathers: u64,
}

impl Seat {
    fn gather_now(&mut self, all: &mut [f32], bounds: &[usize], readers: Readers) -> Result<()> {
        let Self { hall, rank, gathers } = self;
        let everyone_at = |n: u64| hall.places.iter().all(|p| p.arrived.load(SeqCst) >= n);
        // Who has brought a part to the last gather has read the one before it, whose memory is used again.
        hall.wait(|| everyone_at(*gathers))?;
        let parity = (*gathers % 2) as usize;
        *gathers += 1;
        let part = |r: usize| bounds[r]..bounds[r + 1];
        if let Ok(mut mine) = hall.places[*rank].parts[parity].write() {
            mine.clear();
            mine.extend_from_slice(&all[part(*rank)]);
        }
        hall.places[*rank].arrived.store(*gathers, SeqCst);
        hall.ring();
        if readers == Readers::Leader && *rank > 0 {
            return Ok(());
        }
        hall.wait(|| everyone_at(*gathers))?;
        for (r, place) in hall.places.iter().enumerate().filter(|(r, _)| r != rank) {
            let theirs = place.parts[parity].read().map_err(|_| hall.why())?;
            let here = &mut all[part(r)];
            if here.len() != theirs.len() {
                let (got, len) = (theirs.len(), here.len());
                return Err(Error::internal(format!(
                    "shard {r} brings {got} numbers, {len} expected"
                )));
            }
            here.copy_from_slice(&theirs);
        }
        Ok(())
    }
}

impl Exchange for Seat {
    fn gather<'a>(&'a mut self, all: &'a mut [f32], bounds: &'a [usize], readers: Readers) -> Wait<'a> {
        Wait::Ready(self.gather_now(all, bounds, readers))
    }
}

/// The leader's half.
struct Threads {
    seat: Seat,
    followers: Vec<JoinHandle<()>>,
}

impl Threads {
    fn new(ranks: usize) -> Result<Self> {
        let hall = Arc::new(Hall {
            places: (0..ranks).map(|_| Place::default()).collect(),
            ..Hall::default()
        });
        let seat = |rank| Seat {
            hall: hall.clone(),
            rank,
            gathers: 0,
        };
        let mut team = Self {
            seat: seat(0),
            followers: Vec::new(),
        };
        for rank in 1..ranks {
            let seat = seat(rank);
            let thread = std::thread::Builder::new().name(format!("kinglet {rank}"));
            let thread = thread.spawn(move || follow(seat)).map_err(|e| Error::WorkerFailed {
                message: format!("a thread could not be started: {e}"),
            })?;
            team.followers.push(thread);
        }
        Ok(team)
    }
}

impl Team for Threads {
    fn ranks(&self) -> usize {
        self.seat.hall.places.len()
    }

    fn send(&mut self, rank: usize, order: &Order, payload: &[u8]) -> Result<()> {
        let hall = &self.seat.hall;
        if hall.over.load(SeqCst) {
            return Err(hall.why());
        }
        let place = hall
            .places
            .get(rank)
            .ok_or_else(|| Error::internal(format!("no shard {rank}")))?;
        lock(&place.orders).push_back((order.clone(), payload.to_vec()));
        place.sent.fetch_add(1, SeqCst);
        hall.ring();
        Ok(())
    }

    fn settle(&mut self) -> Wait<'_> {
        let done = |p: &Place| p.handled.load(SeqCst) == p.sent.load(SeqCst);
        let hall = &self.seat.hall;
        Wait::Ready(hall.wait(|| hall.places.iter().all(done)))
    }

    fn exchange(&mut self) -> &mut dyn Exchange {
        &mut self.seat
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.seat.hall.end(Error::Aborted);
        for thread in self.followers.drain(..) {
            let _ = thread.join(); // a panic has been reported
        }
    }
}

/// Reports a thread that ends without saying why.
struct Guard(Arc<Hall>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let message = "a thread of the CPU backend panicked".into();
            self.0.end(Error::WorkerFailed { message });
        }
    }
}

/// A follower's life: orders, until the team is over.
fn follow(mut seat: Seat) {
    let hall = seat.hall.clone();
    let _guard = Guard(hall.clone());
    let place = &hall.places[seat.rank];
    let mut shard = Shard::new(seat.rank, hall.places.len());
    let waiting = || place.sent.load(SeqCst) > place.handled.load(SeqCst);
    while hall.wait(waiting).is_ok() {
        let Some((order, payload)) = lock(&place.orders).pop_front() else {
            continue;
        };
        if let Err(error) = at_once(shard.handle(&order, &payload, &mut seat)) {
            return hall.end(error);
        }
        place.handled.fetch_add(1, SeqCst);
        hall.ring();
    }
}

/// Among threads nothing comes later.
fn at_once(work: impl Future<Output = Result<()>>) -> Result<()> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::internal("a thread was told to wait")),
    }
}
