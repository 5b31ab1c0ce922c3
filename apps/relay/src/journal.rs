//! What was spent, on disk: lines that are only appended, read again at the start, and then written anew as their sum.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Of the format; another one is refused.
const VERSION: u32 = 1;
/// Bytes of a line at most: a name of a user, escaped, and numbers.
const LONGEST: u64 = 4_096;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The first line.
    Journal { version: u32, currency: String },
    /// The sum of what was spent in a day and its month; without a user by all of them.
    Spent {
        user: Option<String>,
        day: u64,
        of_day: u64,
        month: u64,
        of_month: u64,
    },
    /// A request is about to be sent: its worst case is spent until it is known better.
    Reserve {
        id: u64,
        user: String,
        day: u64,
        month: u64,
        amount: u64,
    },
    /// What a request has cost, instead of what was reserved.
    Settle { id: u64, amount: u64 },
}

/// The open file. One process has it.
#[derive(Debug)]
pub struct Journal {
    pub(crate) file: File,
    path: PathBuf,
    currency: String,
    /// Held as long as this process uses the folder.
    _lock: File,
}

impl Journal {
    /// Opens the account of `folder` and gives its records to `each`. A last line without an end was being written
    /// when the process ended: nothing was sent for it yet, so it counts for nothing.
    ///
    /// # Errors
    /// The folder cannot be used, another process has it, or a line is not what this version writes.
    pub fn open(folder: &Path, currency: &str, mut each: impl FnMut(Record)) -> io::Result<Journal> {
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        if lock.try_lock().is_err() {
            let text = format!("{}: another relay keeps its account here", folder.display());
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        let path = folder.join("spent.jsonl");
        if path.exists() {
            read(&path, currency, &mut each)?;
        }
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        Ok(Journal {
            file,
            path,
            currency: currency.into(),
            _lock: lock,
        })
    }

    /// Appends a line; it survives the process from then on, and a power cut after [`Journal::synced`].
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        self.file.write_all(&line(record)?)
    }

    /// A handle whose `sync_data` waits until what was appended is on the disk.
    pub fn synced(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Replaces the file by `records`: the new one is whole on the disk before it takes the old one's name.
    pub fn rewrite(&mut self, records: impl Iterator<Item = Record>) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        let head = Record::Journal {
            version: VERSION,
            currency: self.currency.clone(),
        };
        let mut bytes = line(&head)?;
        for record in records {
            bytes.extend(line(&record)?);
        }
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        Ok(())
    }
}

fn line(record: &Record) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(record)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn read(path: &Path, currency: &str, each: &mut impl FnMut(Record)) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)?;
        let cut = bytes.last() != Some(&b'\n');
        if read == 0 || (cut && (read as u64) < LONGEST) {
            break;
        }
        let wrong = |what: String| {
            let text = format!("{}, line {number}: {what}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let record: Record = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        match (number, record) {
            (
                1,
                Record::Journal {
                    version: VERSION,
                    currency: c,
                },
            ) if c == currency => {}
            (1, first) => {
                return Err(wrong(format!(
                    "not the account of version {VERSION} in {currency}: {first:?}"
                )));
            }
            (_, Record::Journal { .. }) => return Err(wrong("a second beginning".into())),
            (_, record) => each(record),
        }
    }
    Ok(())
}
