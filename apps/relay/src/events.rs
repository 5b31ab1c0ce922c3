//! Server-sent events on their way through: each is passed on as soon as it is whole, comments at once.

use serde_json::Value;

use crate::usage::Meter;

/// Bytes of an event that are held until its end. A longer one flows as it comes, and is not read.
const MOST: usize = 256 * 1024;

/// Reads usage from a stream, keeps back what the client did not ask for, and rewrites errors.
pub struct Events<F> {
    meter: Meter,
    /// The relay asked for usage, the client did not.
    strip_usage: bool,
    /// Makes of an error that upstream reports within a stream what a client may read.
    harmless: F,
    /// Of the event, what is not passed on yet.
    held: Vec<u8>,
    /// The current line has no byte so far, or begins with a colon.
    empty: bool,
    comment: bool,
    /// The event has a field already.
    fields: bool,
    /// The event is too long to be held.
    flowing: bool,
    after_cr: After,
}

/// Where the LF belongs that may follow a CR.
#[derive(Debug, Clone, Copy, PartialEq)]
enum After {
    /// The last byte was no CR.
    No,
    Held,
    PassedOn,
    Dropped,
}

impl<F: Fn(&Value) -> Value> Events<F> {
    pub fn new(meter: Meter, strip_usage: bool, harmless: F) -> Self {
        Events {
            meter,
            strip_usage,
            harmless,
            held: Vec::new(),
            empty: true,
            comment: false,
            fields: false,
            flowing: false,
            after_cr: After::No,
        }
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Takes bytes as they come; what can be passed on now is added to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            let after = std::mem::replace(&mut self.after_cr, After::No);
            match (byte, after) {
                (b'\n', After::Held) => self.held.push(byte),
                (b'\n', After::PassedOn) => out.push(byte),
                (b'\n', After::Dropped) => {}
                (b'\n' | b'\r', _) => {
                    self.held.push(byte);
                    let went = self.end_of_line(out);
                    if byte == b'\r' {
                        self.after_cr = went;
                    }
                }
                _ => {
                    self.comment = if self.empty { byte == b':' } else { self.comment };
                    self.empty = false;
                    self.held.push(byte);
                }
            }
            if self.held.len() >= MOST {
                self.flowing = true;
                out.append(&mut self.held);
            }
        }
        if self.flowing {
            out.append(&mut self.held);
        }
    }

    /// Nothing follows: what was held is passed on, for a reader does not dispatch an event without its end.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }

    /// Where the line went.
    fn end_of_line(&mut self, out: &mut Vec<u8>) -> After {
        let (empty, comment) = (self.empty, self.comment);
        (self.empty, self.comment) = (true, false);
        if empty {
            let (flowing, event) = (self.flowing, std::mem::take(&mut self.held));
            (self.flowing, self.fields) = (false, false);
            if !flowing {
                return self.dispatch(event, out);
            }
            out.extend(event);
            return After::PassedOn;
        }
        if self.flowing || (comment && !self.fields) {
            out.append(&mut self.held);
            return After::PassedOn;
        }
        self.fields = true;
        After::Held
    }

    fn dispatch(&mut self, event: Vec<u8>, out: &mut Vec<u8>) -> After {
        let data = data(&event);
        if data == b"[DONE]" {
            self.meter.done();
        } else if !data.is_empty()
            && let Ok(value) = serde_json::from_slice::<Value>(&data)
        {
            let only_usage = self.meter.event(&value);
            if only_usage && self.strip_usage {
                return After::Dropped;
            }
            if value.get("error").is_some_and(|error| !error.is_null()) {
                let error = (self.harmless)(&value);
                if value.get("type").is_some_and(|kind| kind == "error") {
                    out.extend(b"event: error\n");
                }
                out.extend(format!("data: {error}\n\n").bytes());
                return After::Dropped;
            }
        }
        out.extend(event);
        After::PassedOn
    }
}

/// What the `data` lines of an event say together.
fn data(event: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut first = true;
    for line in event.split(|&b| b == b'\n' || b == b'\r') {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let Some(rest) = line.strip_prefix(b"data") else {
            continue;
        };
        let value = match rest.strip_prefix(b":") {
            Some(value) => value.strip_prefix(b" ").unwrap_or(value),
            None if rest.is_empty() => rest,
            None => continue,
        };
        if !std::mem::take(&mut first) {
            data.push(b'\n');
        }
        data.extend(value);
    }
    data
}
