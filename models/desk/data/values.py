"""Values that facts hold: durations, prices, hours, names, places, counts, and what passages are about."""

import random

from . import words

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def _count(rng: random.Random, low: int, high: int) -> str:
    number = rng.randint(low, high)
    return _WORDS[number - 2] if 2 <= number <= 12 and rng.random() < 0.45 else f"{number:,}"


def _days(rng: random.Random) -> str:
    low = rng.randint(1, 9)
    unit = rng.choice(("days", "days", "business days", "working days", "business days", "weeks"))
    if unit == "weeks":
        return f"{_count(rng, 2, 8)} weeks" if rng.random() < 0.7 else "one week"
    return rng.choice(
        (
            f"{low + 1} {unit}",
            f"{low} to {low + rng.randint(1, 5)} {unit}",
            f"{low}-{low + rng.randint(1, 4)} {unit}",
            f"{_WORDS[low - 1]} {unit}",
            f"{rng.choice((24, 36, 48, 72))} hours",
            f"{rng.choice((10, 14, 20, 21, 28, 30, 45, 60, 90))} days",
            f"{rng.choice((14, 30, 60, 90, 100))} days",
        )
    )


def _period(rng: random.Random) -> str:
    return rng.choice(
        (
            f"{_count(rng, 2, 10)} years",
            f"{rng.choice((3, 6, 12, 18, 24, 36))} months",
            "one year",
            f"{_count(rng, 2, 9)} months",
            f"{rng.randint(2, 6)} years",
            "one month",
            "half a year",
        )
    )


def _minutes(rng: random.Random) -> str:
    return rng.choice(
        (
            f"{rng.randint(1, 18) * 5} minutes",
            f"{_count(rng, 2, 9)} hours",
            "an hour",
            "half an hour",
            f"{_count(rng, 2, 20)} minutes",
            f"{rng.randint(1, 5)} and a half hours",
            f"{rng.randint(2, 60)} seconds",
        )
    )


def _money(rng: random.Random) -> str:
    whole = rng.choice((rng.randint(2, 30), rng.randint(10, 150), rng.randint(50, 900)))
    number = rng.choice((f"{whole}", f"{whole}", f"{whole}.{rng.choice(('50', '99', '95', '90'))}"))
    return rng.choice(
        (
            f"${number}",
            f"€{number}",
            f"£{number}",
            f"{number} euros",
            f"{number} dollars",
            f"{number} EUR",
            f"{number} pounds",
        )
    )


def _time(rng: random.Random) -> str:
    hour = rng.randint(1, 12)
    half = rng.choice(("am", "pm", "a.m", "p.m"))
    return rng.choice(
        (
            f"{hour} {half}".replace(".m", "m"),
            f"{hour + 8}:{rng.choice(('00', '30', '15', '45'))}",
            f"{hour}:30 {half[0]}m",
            "noon",
            "midnight" if rng.random() < 0.3 else f"{hour} o'clock",
        )
    )


def _hours(rng: random.Random) -> str:
    start, end = rng.randint(6, 11), rng.randint(3, 10)
    return rng.choice(
        (
            f"{start} am to {end} pm",
            f"{start}:00 to {end + 12}:00",
            f"{start}am-{end}pm",
            f"{start}:30 to {end + 12}:30",
            f"{start} to {end + 12} o'clock",
            f"{start} am until {end} pm",
        )
    )


def _date(rng: random.Random) -> str:
    day, month = rng.randint(1, 28), rng.choice(_MONTHS)
    return rng.choice(
        (
            f"{day} {month}",
            f"{month} {day}",
            f"{day} {month} {rng.randint(2023, 2029)}",
            f"{month} {day}, {rng.randint(2023, 2029)}",
            f"the {_nth(day)} of {month}",
        )
    )


def _nth(day: int) -> str:
    return f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _phone(rng: random.Random) -> str:
    return rng.choice(
        (
            f"0800 {rng.randint(100, 999)} {rng.randint(100, 999)}",
            f"555-0{rng.randint(100, 199)}",
            f"+44 20 {rng.randint(1000, 9999)} {rng.randint(1000, 9999)}",
            f"({rng.randint(200, 900)}) 555-{rng.randint(1000, 9999)}",
            f"0{rng.randint(100, 999)} {rng.randint(100000, 999999)}",
        )
    )


def _length(rng: random.Random) -> str:
    return rng.choice(
        (
            f"{rng.randint(2, 250)} cm",
            f"{rng.randint(2, 400)} metres",
            f"{rng.randint(1, 9)}.{rng.randint(1, 9)} metres",
            f"{rng.randint(3, 90)} mm",
            f"{rng.randint(2, 80)} inches",
            f"{rng.randint(3, 90)} feet",
        )
    )


def _pattern(of: str):
    """Values such as `{20-95} percent`: a range of numbers inside words."""

    def make(rng: random.Random) -> str:
        out, rest = "", rng.choice(of.split(";")).strip()
        while "{" in rest:
            head, _, tail = rest.partition("{")
            span, _, rest = tail.partition("}")
            low, high = span.split("-")
            out += head + str(rng.randint(int(low), int(high)))
        return out + rest

    return make


_SHAPES = {
    "days": _days,
    "period": _period,
    "minutes": _minutes,
    "money": _money,
    "time": _time,
    "hours": _hours,
    "date": _date,
    "phone": _phone,
    "length": _length,
    "count": lambda rng: _count(rng, 2, 40),
    "many": lambda rng: _count(rng, 20, 9000),
    "year": lambda rng: str(rng.randint(1780, 2024)),
    "weekday": lambda rng: rng.choice(_DAYS),
    "month": lambda rng: rng.choice(_MONTHS),
    "percent": lambda rng: rng.choice(
        (f"{rng.randint(2, 95)}%", f"{rng.randint(1, 19) * 5} percent", f"{rng.randint(1, 19) * 5}%")
    ),
    "weight": lambda rng: rng.choice(
        (
            f"{rng.randint(2, 90)} kg",
            f"{rng.randint(50, 950)} grams",
            f"{rng.randint(1, 9)}.{rng.randint(1, 9)} kg",
            f"{rng.randint(2, 60)} pounds",
        )
    ),
    "distance": lambda rng: rng.choice(
        (
            f"{rng.randint(2, 90)} kilometres",
            f"{rng.randint(2, 60)} miles",
            f"{rng.randint(100, 900)} metres",
            f"{rng.randint(2, 90)} km",
        )
    ),
    "temperature": lambda rng: f"{rng.randint(2, 240)} {rng.choice(('degrees', '°C', 'degrees Celsius'))}",
    "age": lambda rng: rng.choice((f"{rng.randint(3, 21)} years", f"{rng.randint(3, 80)}")),
    "size": lambda rng: rng.choice(
        (
            f"{rng.randint(2, 100)} MB",
            f"{rng.randint(1, 64)} GB",
            f"{rng.randint(1, 8)} TB",
            f"{rng.choice((128, 256, 512))} GB",
        )
    ),
    "code": lambda rng: rng.choice(
        (
            f"{rng.choice('ABCDEFGHKLMNPRST')}{rng.randint(10, 999)}",
            f"{rng.choice(('SAVE', 'HELLO', 'SPRING', 'MORE'))}{rng.randint(5, 60)}",
        )
    ),
    "floor": lambda rng: rng.choice(
        ("first floor", "second floor", "third floor", "ground floor", "basement", "top floor", "fourth floor")
    ),
}


def value(rng: random.Random, kind: str, split: str) -> str:
    """One value of a kind; `=a; b; c{1-9}` names the values themselves."""
    if kind.startswith("="):
        return _pattern(kind[1:])(rng)
    if kind == "name":
        return words.full_name(rng, split)
    if kind == "email":
        user = rng.choice(
            ("help", "support", "returns", "billing", "sales", "info", "service", "hello", "office", "claims")
        )
        return f"{user}@{''.join(c for c in words.pick(rng, 'company', split).lower() if c.isalpha())}.{rng.choice(('com', 'example', 'org', 'net'))}"
    if kind == "address":
        return f"{rng.randint(1, 200)} {words.pick(rng, 'street', split)}"
    if kind in words.LISTS:
        return words.pick(rng, kind, split)
    return _SHAPES[kind](rng)


def fresh(rng: random.Random, kind: str, split: str, seen: set[str]) -> str:
    """A value that no fact of the passage has yet."""
    for _ in range(30):
        new = value(rng, kind, split)
        if not any(new in old or old in new for old in seen):
            break
    seen.add(new)
    return new


def entity(rng: random.Random, kind: str, split: str) -> str:
    """What a passage is about: a shop, a person, a place, a device."""
    if kind == "device":
        return f"{words.pick(rng, 'brand', split)} {rng.choice('ABCDEFGHKLMNPRSTVX')}{rng.randint(1, 90)}"
    if kind == "item":
        return f"{words.pick(rng, 'brand', split)} {words.pick(rng, 'product', split)}"
    return value(rng, kind, split)


def other_entity(rng: random.Random, kind: str, split: str, first: str) -> str:
    """Another one of the kind."""
    new = first
    while new == first:
        new = entity(rng, kind, split)
    return new
