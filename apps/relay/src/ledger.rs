//! The hard cap: nothing is sent before its worst case fits what is left, and what nobody counted stays spent.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::{Budget, Fsync, Tier};
use crate::journal::{Journal, Record};
use crate::time::{day_and_month, now_ms};

/// Lines after which the journal is written anew.
const REWRITE: u64 = 100_000;

/// What was spent in the latest day and month, open reservations included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    day: u64,
    pub of_day: u64,
    month: u64,
    pub of_month: u64,
}

impl Spent {
    /// Forgets days and months that are over. A clock that goes backwards brings none of them back.
    fn at(mut self, day: u64, month: u64) -> Spent {
        if day > self.day {
            (self.day, self.of_day) = (day, 0);
        }
        if month > self.month {
            (self.month, self.of_month) = (month, 0);
        }
        self
    }

    fn add(&mut self, amount: u64) {
        self.of_day = self.of_day.saturating_add(amount);
        self.of_month = self.of_month.saturating_add(amount);
    }

    /// Puts `now` in the place of `was`, in the periods in which it was added.
    fn correct(&mut self, held: &Held, now: u64) {
        if self.day == held.day {
            self.of_day = self.of_day.saturating_sub(held.amount).saturating_add(now);
        }
        if self.month == held.month {
            self.of_month = self.of_month.saturating_sub(held.amount).saturating_add(now);
        }
    }
}

/// An open reservation.
#[derive(Debug, Clone)]
struct Held {
    user: String,
    day: u64,
    month: u64,
    amount: u64,
}

/// Why there is no money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// Of the user alone; else of all users together.
    pub own: bool,
    /// Of the day; else of the month.
    pub day: bool,
    /// Only reservations are in the way: when running requests are settled, there may be enough.
    pub passing: bool,
}

#[derive(Default)]
struct Sums {
    users: HashMap<String, Spent>,
    all: Spent,
    held: HashMap<u64, Held>,
    next: u64,
    day: u64,
}

impl Sums {
    fn reserve(&mut self, id: u64, held: Held) {
        let user = self.users.entry(held.user.clone()).or_default();
        *user = user.at(held.day, held.month);
        user.add(held.amount);
        self.all = self.all.at(held.day, held.month);
        self.all.add(held.amount);
        self.next = self.next.max(id.saturating_add(1));
        self.held.insert(id, held);
    }

    fn settle(&mut self, id: u64, amount: u64) {
        let Some(held) = self.held.remove(&id) else { return };
        if let Some(user) = self.users.get_mut(&held.user) {
            user.correct(&held, amount);
        }
        self.all.correct(&held, amount);
    }

    fn replay(&mut self, record: Record) {
        match record {
            Record::Journal { .. } => {}
            Record::Spent {
                user,
                day,
                of_day,
                month,
                of_month,
            } => {
                let spent = Spent {
                    day,
                    of_day,
                    month,
                    of_month,
                };
                match user {
                    Some(user) => _ = self.users.insert(user, spent),
                    None => self.all = spent,
                }
            }
            Record::Reserve {
                id,
                user,
                day,
                month,
                amount,
            } => self.reserve(
                id,
                Held {
                    user,
                    day,
                    month,
                    amount,
                },
            ),
            Record::Settle { id, amount } => self.settle(id, amount),
        }
    }

    /// Those who spent nothing in this month are not kept.
    fn forget(&mut self, day: u64, month: u64) {
        if day > self.day {
            self.day = day;
            self.users.retain(|_, spent| spent.month >= month);
        }
    }

    /// The least that gives these sums again: open reservations are parts of them, and can still be settled.
    fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let spent = |user: Option<&String>, s: &Spent| {
            let mut rest = *s;
            for held in self.held.values().filter(|h| user.is_none_or(|u| *u == h.user)) {
                rest.correct(held, 0);
            }
            Record::Spent {
                user: user.cloned(),
                day: rest.day,
                of_day: rest.of_day,
                month: rest.month,
                of_month: rest.of_month,
            }
        };
        let sums = std::iter::once(spent(None, &self.all));
        let sums = sums.chain(self.users.iter().map(move |(user, s)| spent(Some(user), s)));
        sums.chain(self.held.iter().map(|(id, held)| Record::Reserve {
            id: *id,
            user: held.user.clone(),
            day: held.day,
            month: held.month,
            amount: held.amount,
        }))
    }
}

struct Book {
    sums: Sums,
    journal: Journal,
    lines: u64,
    /// A line could not be written, or only in part: no other may follow it.
    torn: bool,
}

impl Book {
    /// Writes a line that the sums hold already.
    fn write(&mut self, record: &Record) -> io::Result<()> {
        if self.torn || self.lines >= REWRITE {
            self.torn = true;
            self.journal.rewrite(self.sums.records())?;
            (self.torn, self.lines) = (false, 0);
            return Ok(());
        }
        self.torn = true;
        self.journal.append(record)?;
        (self.torn, self.lines) = (false, self.lines + 1);
        Ok(())
    }
}

/// The account of all users.
pub struct Ledger {
    book: Mutex<Book>,
    budget: Budget,
    fsync: Fsync,
}

impl Ledger {
    /// Opens the account of a folder. What was reserved and never settled when the relay last ended stays spent.
    ///
    /// # Errors
    /// See [`Journal::open`].
    pub fn open(folder: &Path, budget: &Budget, fsync: Fsync) -> io::Result<Arc<Ledger>> {
        let mut sums = Sums::default();
        let mut journal = Journal::open(folder, &budget.currency, |record| sums.replay(record))?;
        sums.held.clear();
        let (day, month) = day_and_month(now_ms());
        sums.forget(day, month);
        journal.rewrite(sums.records())?;
        let book = Book {
            sums,
            journal,
            lines: 0,
            torn: false,
        };
        Ok(Arc::new(Ledger {
            book: Mutex::new(book),
            budget: budget.clone(),
            fsync,
        }))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves `amount` for a request at `now` (milliseconds since 1970).
    ///
    /// # Errors
    /// The account cannot be written: then nothing may be sent.
    pub fn reserve(
        self: &Arc<Self>,
        user: &str,
        tier: &Tier,
        amount: u64,
        now: u64,
    ) -> io::Result<Result<Hold, Denied>> {
        let (day, month) = day_and_month(now);
        let mut book = self.book();
        let sums = &mut book.sums;
        sums.forget(day, month);
        let own = sums.users.get(user).copied().unwrap_or_default().at(day, month);
        let all = sums.all.at(day, month);
        for (mine, spent, per_day, per_month) in [
            (true, own, tier.per_day, tier.per_month),
            (false, all, self.budget.per_day, self.budget.per_month),
        ] {
            for (of_day, spent, cap) in [(true, spent.of_day, per_day), (false, spent.of_month, per_month)] {
                if spent.saturating_add(amount) > cap {
                    let open = sums.held.values().filter(|h| !mine || h.user == user);
                    let open = open.fold(0_u64, |sum, h| sum.saturating_add(h.amount));
                    let passing = spent.saturating_sub(open).saturating_add(amount) <= cap;
                    return Ok(Err(Denied {
                        own: mine,
                        day: of_day,
                        passing,
                    }));
                }
            }
        }
        // The periods of the sums, which a clock that goes backwards does not bring back.
        let (day, month) = (all.day, all.month);
        let id = sums.next;
        let record = Record::Reserve {
            id,
            user: user.into(),
            day,
            month,
            amount,
        };
        book.sums.replay(record.clone());
        if let Err(error) = book.write(&record) {
            book.sums.settle(id, 0);
            return Err(error);
        }
        Ok(Ok(Hold {
            ledger: Arc::clone(self),
            id,
            amount,
            sent: false,
            done: false,
        }))
    }

    /// Waits until what was reserved is on the disk, if the configuration wants that before each request.
    pub async fn durable(&self) -> io::Result<()> {
        match self.fsync {
            Fsync::Always => self.sync().await,
            Fsync::Second => Ok(()),
        }
    }

    /// Waits until everything is on the disk.
    pub async fn sync(&self) -> io::Result<()> {
        let file = self.book().journal.synced()?;
        tokio::task::spawn_blocking(move || file.sync_data())
            .await
            .map_err(io::Error::other)?
    }

    fn settle(&self, id: u64, amount: u64) {
        let mut book = self.book();
        book.sums.settle(id, amount);
        // A line that cannot be written: after a restart the worst case counts, which is not less.
        if let Err(error) = book.write(&Record::Settle { id, amount }) {
            crate::log::error(
                "a settlement could not be written",
                &[("error", error.to_string().into())],
            );
        }
    }

    /// What a user has spent by now, open reservations included.
    pub fn spent(&self, user: &str, now: u64) -> Spent {
        let (day, month) = day_and_month(now);
        self.book()
            .sums
            .users
            .get(user)
            .copied()
            .unwrap_or_default()
            .at(day, month)
    }

    /// What all users have spent by now, open reservations included.
    pub fn spent_by_all(&self, now: u64) -> Spent {
        let (day, month) = day_and_month(now);
        self.book().sums.all.at(day, month)
    }
}

/// A reservation. Dropped before its request was sent it is given back; after that it stays spent until it is settled.
pub struct Hold {
    ledger: Arc<Ledger>,
    id: u64,
    amount: u64,
    sent: bool,
    done: bool,
}

impl Hold {
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// From now on it may cost something.
    pub fn sent(&mut self) {
        self.sent = true;
    }

    /// What it has cost, which may be more than was reserved.
    pub fn settle(mut self, amount: u64) {
        self.done = true;
        self.ledger.settle(self.id, amount);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.done {
            self.ledger.settle(self.id, if self.sent { self.amount } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn where_the_account_cannot_be_written_nothing_may_be_sent() {
        let folder = std::env::temp_dir().join(format!("kinglet-relay-ledger-{}", std::process::id()));
        let budget = Budget {
            currency: "USD".into(),
            per_day: 100,
            per_month: 100,
        };
        let tier = Tier {
            per_day: 100,
            per_month: 100,
            requests_per_minute: 1,
            tokens_per_minute: 1,
            max_tokens: 1,
            models: Vec::new(),
        };
        let ledger = Ledger::open(&folder, &budget, Fsync::Second).expect("opens");
        let now = now_ms();
        let mut first = ledger.reserve("ann", &tier, 10, now).expect("written").expect("fits");
        first.sent();
        // A file that takes nothing, in a folder that is gone: neither a line nor a new file can be written.
        ledger.book().journal.file = File::open(folder.join("spent.jsonl")).expect("can be read");
        fs::remove_dir_all(&folder).expect("is removed");
        for _ in 0..2 {
            assert!(ledger.reserve("ann", &tier, 10, now).is_err());
            assert_eq!(ledger.spent("ann", now).of_day, 10);
        }
        first.settle(5);
        assert_eq!(
            ledger.spent("ann", now).of_day,
            5,
            "what is known is known, if not on the disk"
        );
        // It can be written again: everything is.
        fs::create_dir_all(&folder).expect("is made");
        let mut second = ledger.reserve("ann", &tier, 20, now).expect("written").expect("fits");
        second.sent();
        drop(second);
        drop(ledger);
        let again = Ledger::open(&folder, &budget, Fsync::Second).expect("opens");
        assert_eq!(again.spent("ann", now).of_day, 25);
        drop(again);
        fs::remove_dir_all(&folder).expect("is removed");
    }
}
