//! Python's `+`, `*`, `%`, `~` and slices. The compiled template calls them in place of the engine's own.

use minijinja::value::{Tuple, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};

use super::limits::{self, ITEM_BYTES};
use super::python;

/// Names under which the operators are installed: no template can spell them.
pub(super) const ADD: &str = "+";
/// See [`ADD`].
pub(super) const MULTIPLY: &str = "*";
/// See [`ADD`].
pub(super) const REMAINDER: &str = "%";
/// See [`ADD`].
pub(super) const CONCATENATE: &str = "~";
/// See [`ADD`].
pub(super) const SLICE: &str = "[:]";
/// Passes a value through and counts its size.
pub(super) const MEASURE: &str = "#";

/// Passes a new list or dict through and bounds its depth: dropping a value recurses.
pub(super) const NEST: &str = "[[";

/// Passes what a loop runs over through, but not none: the engine would take it for an empty list.
pub(super) const ITERATE: &str = "for";

/// Deepest nesting of values that a template may build.
const DEPTH: usize = 100;

/// Adds the operators to the environment.
pub(super) fn install(env: &mut Environment<'_>) {
    env.add_filter(ADD, add);
    env.add_filter(MULTIPLY, multiply);
    env.add_filter(REMAINDER, remainder);
    env.add_filter(CONCATENATE, concatenate);
    env.add_filter(SLICE, slice);
    env.add_filter(MEASURE, measure);
    env.add_filter(NEST, nest);
    env.add_filter(ITERATE, |value: Value| match value.is_none() {
        true => Err(Error::new(ErrorKind::InvalidOperation, "none is not iterable")),
        false => Ok(value),
    });
}

fn measure(state: &mut State, value: Value) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        limits::charge(state, text.len())?;
    }
    Ok(value)
}

fn nest(state: &mut State, value: Value) -> Result<Value, Error> {
    fn walk(state: &mut State, value: &Value, depth: usize) -> Result<(), Error> {
        if !matches!(value.kind(), ValueKind::Seq | ValueKind::Map) {
            return Ok(());
        }
        if depth > DEPTH {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "the template nests values too deeply",
            ));
        }
        let is_map = value.kind() == ValueKind::Map;
        for item in value.try_iter()? {
            limits::charge(state, ITEM_BYTES)?;
            let item = if is_map { value.get_item(&item)? } else { item };
            walk(state, &item, depth + 1)?;
        }
        Ok(())
    }
    walk(state, &value, 0)?;
    Ok(value)
}

fn unsupported(operator: &str, a: &Value, b: &Value) -> Error {
    let what = format!(
        "unsupported operand types for {operator}: {} and {}",
        a.kind(),
        b.kind()
    );
    let kind = if a.is_undefined() || b.is_undefined() {
        ErrorKind::UndefinedError
    } else {
        ErrorKind::InvalidOperation
    };
    Error::new(kind, what)
}

/// A number of either kind; True and False are 1 and 0.
enum Number {
    Int(i128),
    Float(f64),
}

fn number(v: &Value) -> Option<Number> {
    match v.kind() {
        ValueKind::Bool => Some(Number::Int(v.is_true().into())),
        ValueKind::Number if v.is_integer() => i128::try_from(v.clone()).ok().map(Number::Int),
        ValueKind::Number => f64::try_from(v.clone()).ok().map(Number::Float),
        _ => None,
    }
}

fn arithmetic(
    operator: &str,
    a: &Value,
    b: &Value,
    int: impl Fn(i128, i128) -> Option<i128>,
    float: impl Fn(f64, f64) -> Option<f64>,
) -> Result<Value, Error> {
    use Number::{Float, Int};
    let (Some(x), Some(y)) = (number(a), number(b)) else {
        return Err(unsupported(operator, a, b));
    };
    let result = match (x, y) {
        (Int(x), Int(y)) => int(x, y).map(|n| i64::try_from(n).map_or_else(|_| Value::from(n), Value::from)),
        (Int(x), Float(y)) => float(x as f64, y).map(Value::from),
        (Float(x), Int(y)) => float(x, y as f64).map(Value::from),
        (Float(x), Float(y)) => float(x, y).map(Value::from),
    };
    result.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("cannot calculate {a} {operator} {b}"),
        )
    })
}

fn is_list(v: &Value) -> bool {
    matches!(v.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// The items of a list or tuple.
pub(super) fn items(state: &mut State, v: &Value) -> Result<Vec<Value>, Error> {
    let items: Vec<Value> = v.try_iter()?.checked().collect::<Result<_, _>>()?;
    limits::charge(state, items.len() * ITEM_BYTES)?;
    Ok(items)
}

fn rebuild(items: Vec<Value>, tuple: bool) -> Value {
    if tuple {
        Value::from(Tuple::new(items))
    } else {
        Value::from(items)
    }
}

fn add(state: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(x), Some(y)) = (a.as_str(), b.as_str()) {
        limits::charge(state, x.len() + y.len())?;
        if a.is_safe() || b.is_safe() {
            // MarkupSafe: what is added to a `|safe` string is escaped, and the sum is safe.
            let part = |v: &Value, text: &str| {
                if v.is_safe() {
                    text.to_owned()
                } else {
                    python::escape_html(text)
                }
            };
            let sum = part(a, x) + &part(b, y);
            limits::charge(state, sum.len())?;
            return Ok(Value::from_safe_string(sum));
        }
        return Ok(Value::from([x, y].concat()));
    }
    if is_list(a) && is_list(b) && a.is_tuple() == b.is_tuple() {
        let mut all = items(state, a)?;
        all.extend(items(state, b)?);
        return Ok(rebuild(all, a.is_tuple()));
    }
    arithmetic("+", a, b, i128::checked_add, |x, y| Some(x + y))
}

fn multiply(state: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    for (sequence, times) in [(a, b), (b, a)] {
        let Some(Number::Int(n)) = number(times) else { continue };
        let n = usize::try_from(n.max(0)).unwrap_or(usize::MAX);
        if let Some(text) = sequence.as_str() {
            limits::charge(state, text.len().saturating_mul(n))?;
            return Ok(Value::from(if text.is_empty() {
                String::new()
            } else {
                text.repeat(n)
            }));
        }
        if is_list(sequence) {
            let once = items(state, sequence)?;
            limits::charge(state, once.len().saturating_mul(n).saturating_mul(ITEM_BYTES))?;
            let all = if once.is_empty() {
                once
            } else {
                std::iter::repeat_n(once, n).flatten().collect()
            };
            return Ok(rebuild(all, sequence.is_tuple()));
        }
    }
    arithmetic("*", a, b, i128::checked_mul, |x, y| Some(x * y))
}

/// Python's remainder has the sign of the divisor; on a string `%` formats.
fn remainder(state: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    if a.as_str().is_some() {
        let mut args = vec![a.clone()];
        if b.is_tuple() {
            args.extend(items(state, b)?);
        } else {
            args.push(b.clone());
        }
        return state.apply_filter("format", &args);
    }
    let float = |x: f64, y: f64| {
        let r = x % y;
        (y != 0.0).then_some(if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r })
    };
    let int = |x: i128, y: i128| {
        let r = x.checked_rem(y)?;
        if r != 0 && (r < 0) != (y < 0) {
            r.checked_add(y)
        } else {
            Some(r)
        }
    };
    arithmetic("%", a, b, int, float)
}

fn concatenate(state: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    let text = [python::to_str(a), python::to_str(b)].concat();
    limits::charge(state, text.len())?;
    Ok(Value::from(text))
}

/// `value[start:stop:step]` with Python's rules for missing, negative and far-off bounds.
fn slice(state: &mut State, value: &Value, start: Value, stop: Value, step: Value) -> Result<Value, Error> {
    let bound = |v: &Value| -> Result<Option<i64>, Error> {
        if v.is_none() {
            return Ok(None);
        }
        let wrong = || Error::new(ErrorKind::InvalidOperation, "slice indices must be integers or none");
        v.as_i64().map(Some).ok_or_else(wrong)
    };
    let step = bound(&step)?.unwrap_or(1);
    if step == 0 {
        return Err(Error::new(ErrorKind::InvalidOperation, "slice step cannot be zero"));
    }
    let (start, stop) = (bound(&start)?, bound(&stop)?);
    if value.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "an undefined value cannot be sliced",
        ));
    }
    if let Some(text) = value.as_str() {
        let chars: Vec<char> = text.chars().collect();
        limits::charge(state, text.len())?;
        let picked: String = indices(chars.len(), start, stop, step).map(|i| chars[i]).collect();
        return Ok(Value::from(picked));
    }
    if is_list(value) {
        let all = items(state, value)?;
        let picked = indices(all.len(), start, stop, step).map(|i| all[i].clone()).collect();
        return Ok(rebuild(picked, value.is_tuple()));
    }
    Ok(Value::UNDEFINED) // Jinja turns the TypeError into an undefined value
}

/// The indices of `range(len)[start:stop:step]`.
fn indices(len: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let len = len as i64;
    // Bounds are clamped to what lies inside, or one step outside, in the direction of travel.
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let clamp = |bound: i64| (if bound < 0 { bound.saturating_add(len) } else { bound }).clamp(low, high);
    let start = start.map_or(if step > 0 { low } else { high }, clamp);
    let stop = stop.map_or(if step > 0 { high } else { low }, clamp);
    let inside = move |i: &i64| if step > 0 { *i < stop } else { *i > stop };
    std::iter::successors(Some(start), move |i| i.checked_add(step))
        .take_while(inside)
        .map(|i| i as usize)
}

#[cfg(test)]
mod tests {
    use super::indices;

    #[test]
    fn slices_as_in_python() {
        let of = |start, stop, step| indices(5, start, stop, step).collect::<Vec<_>>();
        assert_eq!(of(None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(of(Some(4), Some(0), -1), [4, 3, 2, 1]);
        assert_eq!(of(Some(-2), None, 1), [3, 4]);
        assert_eq!(of(None, Some(-1), 2), [0, 2]);
        assert_eq!(of(Some(-99), Some(99), 1), [0, 1, 2, 3, 4]);
        assert_eq!(of(Some(1), Some(3), -1), [0usize; 0]);
        assert_eq!(of(Some(i64::MIN), None, i64::MIN), [0usize; 0]);
        assert_eq!(indices(0, None, None, -1).count(), 0);
    }
}
