"""How the values of fields look: numbers of many kinds, names, addresses, dates, times, amounts."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from . import words

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "twenty")
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_MIXED = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass
class Scope:
    """What one message's values share: the random source, the split, the writer's name."""

    rng: random.Random
    split: str
    first: str = ""
    last: str = ""
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.first = words.pick(self.rng, "first", self.split)
        self.last = words.pick(self.rng, "last", self.split)

    def digits(self, low: int, high: int | None = None) -> str:
        """A run of digits that does not begin with zero."""
        length = self.rng.randint(low, high or low)
        return str(self.rng.randint(10 ** (length - 1), 10**length - 1))

    def letters(self, low: int, high: int | None = None) -> str:
        """A run of capital letters."""
        return "".join(self.rng.choice(_LETTERS) for _ in range(self.rng.randint(low, high or low)))

    def mixed(self, low: int, high: int | None = None) -> str:
        """A run of capital letters and digits."""
        return "".join(self.rng.choice(_MIXED) for _ in range(self.rng.randint(low, high or low)))


Maker = Callable[[Scope], str]


def _order(s: Scope) -> str:
    return s.rng.choice((
        lambda: s.digits(4, 6), lambda: s.digits(5, 9), lambda: f"{s.letters(2)}-{s.digits(4, 6)}",
        lambda: f"{s.letters(1, 3)}{s.digits(4, 7)}", lambda: f"{s.digits(3)}-{s.digits(4, 7)}",
        lambda: f"ORD-{s.digits(4, 6)}", lambda: f"{s.digits(2)}-{s.digits(4)}-{s.digits(3)}", lambda: s.mixed(6, 9),
    ))()


def _invoice(s: Scope) -> str:
    return s.rng.choice((
        lambda: f"INV-{s.digits(4, 6)}", lambda: f"INV{s.digits(4, 6)}", lambda: s.digits(5, 8),
        lambda: f"INV-20{s.rng.randint(20, 29)}-{s.digits(3, 4)}", lambda: f"{s.letters(1, 2)}-{s.digits(4, 6)}",
        lambda: f"20{s.rng.randint(20, 29)}/{s.digits(3, 5)}", lambda: f"F{s.digits(5, 7)}",
    ))()


def _tracking(s: Scope) -> str:
    return s.rng.choice((
        lambda: s.digits(10, 14), lambda: f"{s.letters(2)}{s.digits(9)}{s.letters(2)}", lambda: f"1Z{s.mixed(8, 12)}",
        lambda: f"TRK-{s.digits(5, 8)}", lambda: f"{s.letters(3)}{s.digits(7, 10)}",
        lambda: f"{s.digits(4)} {s.digits(4)} {s.digits(4)}", lambda: f"{s.letters(2)}-{s.digits(8)}",
    ))()


def _customer(s: Scope) -> str:
    return s.rng.choice((
        lambda: f"C-{s.digits(4, 6)}", lambda: f"CUS{s.digits(4, 6)}", lambda: s.digits(5, 8),
        lambda: f"{s.letters(1)}{s.digits(5, 7)}", lambda: f"KD-{s.digits(4, 6)}", lambda: f"{s.digits(3)}-{s.digits(3)}",
        lambda: f"cust_{s.digits(4, 5)}",
    ))()


def _serial(s: Scope) -> str:
    return s.rng.choice((
        lambda: f"SN-{s.mixed(4)}-{s.mixed(3)}", lambda: f"SN{s.digits(5, 8)}", lambda: s.mixed(8, 11),
        lambda: f"{s.mixed(4)}-{s.mixed(4)}", lambda: f"{s.mixed(3)}-{s.mixed(3)}-{s.mixed(3)}", lambda: s.digits(8, 10),
    ))()


def _ticket(s: Scope) -> str:
    return s.rng.choice((
        lambda: f"T-{s.digits(4, 6)}", lambda: s.digits(4, 7), lambda: f"CASE-{s.digits(4, 6)}",
        lambda: f"TK{s.digits(4, 6)}", lambda: f"{s.letters(2)}-{s.digits(3, 5)}",
    ))()


def _booking(s: Scope) -> str:
    return s.rng.choice((
        lambda: s.mixed(6), lambda: f"BK-{s.digits(4, 6)}", lambda: f"R{s.digits(5, 7)}", lambda: s.letters(6),
    ))()


def _policy(s: Scope) -> str:
    return s.rng.choice((
        lambda: f"P-{s.digits(5, 7)}", lambda: f"{s.letters(2)}{s.digits(6, 8)}", lambda: s.digits(7, 10),
        lambda: f"{s.letters(3)}/{s.digits(4, 5)}/{s.digits(2)}",
    ))()


def _account(s: Scope) -> str:
    return s.rng.choice((
        lambda: s.digits(6, 10), lambda: f"{s.digits(4)}-{s.digits(4)}", lambda: f"AC{s.digits(5, 8)}",
        lambda: f"A-{s.digits(5, 7)}",
    ))()


def _phone(s: Scope) -> str:
    d = s.digits
    return s.rng.choice((
        lambda: f"+44 7{d(3)} {d(6)}", lambda: f"({d(3)}) {d(3)}-{d(4)}", lambda: f"0{d(3)} {d(3)} {d(4)}",
        lambda: f"555-0{d(3)}", lambda: f"0{d(4)} {d(6)}", lambda: f"+49 {d(2)} {d(4)} {d(4)}", lambda: f"{d(3)} {d(3)} {d(3)}",
        lambda: f"{d(3)}-{d(3)}-{d(4)}", lambda: f"+1 {d(3)} {d(3)} {d(4)}", lambda: f"0{d(10)}", lambda: f"+{d(2)}{d(9)}",
        lambda: f"{d(3)}.{d(3)}.{d(4)}",
    ))()


def _email(s: Scope) -> str:
    first, last = s.first.lower(), s.last.lower()
    if s.rng.random() < 0.3:  # not everybody writes from an address that holds their name
        first, last = words.pick(s.rng, "first", s.split).lower(), words.pick(s.rng, "last", s.split).lower()
    user = s.rng.choice((
        f"{first}.{last}", f"{first}{last}", f"{first[0]}{last}", f"{first}_{last}", f"{first}{s.digits(2)}", f"{last}.{first}",
        f"{first}-{last}", f"{first}.{last}{s.digits(1, 2)}", f"{last}{s.digits(2, 4)}", f"{first[0]}.{last}",
        s.rng.choice(("info", "office", "orders", "hello", "accounts", "team", "mail")),
    ))
    if s.rng.random() < 0.25:
        domain = "".join(c for c in words.pick(s.rng, "company", s.split).lower() if c.isalpha()) + s.rng.choice((
            ".com", ".co", ".net", ".org",
        ))
    else:
        domain = words.pick(s.rng, "domain", s.split)
    return f"{user}@{domain}"


def _date(s: Scope) -> str:
    rng, day, year = s.rng, s.rng.randint(1, 28), s.rng.randint(2022, 2029)
    month = rng.randint(1, 12)
    name, week = _MONTHS[month - 1], rng.choice(_DAYS)
    nth = f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
    return rng.choice((
        f"{day} {name}", f"{name} {day}", f"{nth} {name}", f"{name} {nth}", f"{nth} of {name}", f"{day} {name} {year}",
        f"{name} {day}, {year}", f"{day:02}/{month:02}/{year}", f"{month}/{day}/{year % 100}", f"{year}-{month:02}-{day:02}",
        f"{day}.{month}.{year}", f"{day} {name[:3]}", f"{name[:3]} {day}", f"{day}/{month}", week, f"next {week}",
        f"{week} {day} {name}", f"{week}, {name} {day}", f"{day:02}-{month:02}-{year}", f"{day} {name[:3]} {year}",
    ))


def _time(s: Scope) -> str:
    rng, hour, minute = s.rng, s.rng.randint(1, 12), s.rng.choice((0, 10, 15, 20, 30, 40, 45, 50))
    half = rng.choice(("am", "pm"))
    return rng.choice((
        f"{hour}:{minute:02}", f"{hour} {half}", f"{hour}{half}", f"{hour}:{minute:02} {half}", f"{hour + 8}:{minute:02}",
        f"{hour}:{minute:02}{half}", f"{hour} o'clock", "noon", f"half past {rng.choice(_NUMBERS[:9])}", f"{hour:02}:{minute:02}",
    ))


def _amount(s: Scope) -> str:
    rng = s.rng
    whole = rng.choice((rng.randint(3, 99), rng.randint(10, 999), rng.randint(100, 4000)))
    cents = rng.choice((99, 50, 95, rng.randint(1, 98)))
    number = rng.choice((f"{whole}", f"{whole}.{cents:02}", f"{whole}.{cents:02}", f"{whole:,}"))
    return rng.choice((
        f"${number}", f"€{number}", f"£{number}", f"{number} EUR", f"{number} euros", f"{number} dollars", f"USD {number}",
        f"{number} USD", f"{number} pounds", f"{number}€", f"CHF {number}", f"{number} GBP", f"${number}", f"£{number}",
    ))


def _address(s: Scope) -> str:
    rng, street = s.rng, words.pick(s.rng, "street", s.split)
    number = rng.randint(1, 240)
    return rng.choice((
        f"{number} {street}", f"{number} {street}", f"{number}{rng.choice('abc')} {street}", f"{street} {number}",
        f"Flat {rng.randint(1, 40)}, {number} {street}", f"{number} {street}, Apt {rng.randint(1, 40)}",
        f"Unit {rng.randint(1, 40)}, {number} {street}",
    ))


def _postcode(s: Scope) -> str:
    return s.rng.choice((
        s.digits(5), f"{s.letters(1, 2)}{s.digits(1, 2)} {s.digits(1)}{s.letters(2)}",
        f"{s.digits(4)} {s.letters(2)}", s.digits(4),
    ))


def _product(s: Scope) -> str:
    rng, thing = s.rng, words.pick(s.rng, "product", s.split)
    brand, colour = words.pick(rng, "brand", s.split), words.pick(rng, "colour", s.split)
    return rng.choice((
        thing, thing, thing, f"{brand} {thing}", f"{colour} {thing}", f"{brand} {s.letters(1)}{s.digits(1, 3)}",
        f"{brand} {thing} {s.digits(1, 3)}", f"{brand} {s.rng.choice(('Pro', 'Mini', 'Max', 'One', 'Air', 'Plus'))}",
    ))


def _name(s: Scope) -> str:
    return s.rng.choice((
        f"{s.first} {s.last}",
    ) * 6 + (s.first, s.first, f"{s.first[0]}. {s.last}", f"{s.first} {s.letters(1)}. {s.last}"))


def _other_name(s: Scope) -> str:
    return s.rng.choice((
        words.full_name(s.rng, s.split), words.full_name(s.rng, s.split), words.pick(s.rng, "first", s.split),
    ))


def _titled(s: Scope) -> str:
    return s.rng.choice((
        words.full_name(s.rng, s.split), words.pick(s.rng, "first", s.split),
        f"{s.rng.choice(('Mr', 'Ms', 'Mrs', 'Dr'))} {words.pick(s.rng, 'last', s.split)}",
    ))


_REASONS = {
    "train": (
        "it arrived broken", "it is too small", "it does not fit", "the colour is wrong", "I changed my mind",
        "it stopped working", "I found it cheaper elsewhere", "it came too late", "a part is missing", "it makes a loud noise",
        "I ordered the wrong size", "the battery does not hold", "the box was empty", "the screen is cracked",
        "I no longer need it", "it smells of plastic", "the quality is poor", "it was a gift for someone else",
        "I ordered it twice by mistake", "the lid does not close", "it leaks", "moving abroad", "too expensive", "wrong item",
        "damaged packaging", "scratched surface", "never used it", "duplicate order", "a missing cable", "bad stitching",
        "I was charged twice", "the zip is broken", "it overheats", "it will not switch on", "I am moving house",
    ),
    "heldout": (
        "the handle came off", "it is much heavier than I thought", "one leg is shorter than the others", "faulty switch",
        "my partner bought the same one", "it does not match the picture", "late delivery", "the seam is torn", "I lost my job",
        "it keeps disconnecting", "rust on the frame",
    ),
}


def _reason(s: Scope) -> str:
    return s.rng.choice(_REASONS[s.split])


def _username(s: Scope) -> str:
    first, last = s.first.lower(), s.last.lower()
    return s.rng.choice((
        f"{first}{s.digits(2, 3)}", f"{first}_{last}", f"{last}{s.first[0].lower()}", f"{first}.{last[0]}",
        f"{words.pick(s.rng, 'colour', s.split)}{words.pick(s.rng, 'brand', s.split).lower()}{s.digits(1, 2)}",
    ))


def _error(s: Scope) -> str:
    return s.rng.choice((
        f"E-{s.digits(2, 4)}", f"E{s.digits(1, 3)}", s.digits(3), f"ERR_{s.digits(2, 4)}",
        f"0x{s.digits(2)}{s.letters(1)}{s.digits(3)}", f"{s.letters(1)}{s.digits(2)}",
    ))


def _coupon(s: Scope) -> str:
    return s.rng.choice((
        f"{s.rng.choice(('SAVE', 'SPRING', 'HELLO', 'WELCOME', 'SUMMER', 'EXTRA', 'THANKS', 'DEAL', 'VIP'))}{s.digits(2)}",
        s.mixed(6, 8), f"{s.letters(4)}-{s.digits(2)}",
    ))


def _quantity(s: Scope) -> str:
    return s.rng.choice((
        str(s.rng.randint(2, 12)), str(s.rng.randint(2, 60)), s.rng.choice(_NUMBERS), str(s.rng.randint(1, 30) * 10),
    ))


def _size(s: Scope) -> str:
    return s.rng.choice((
        "S", "M", "L", "XL", "XXL", "small", "medium", "large", str(s.rng.randint(34, 48)),
        f"{s.rng.randint(60, 200)} cm", f"UK {s.rng.randint(4, 13)}",
    ))


def _version(s: Scope) -> str:
    return s.rng.choice((
        f"{s.rng.randint(1, 14)}.{s.rng.randint(0, 9)}",
        f"{s.rng.randint(1, 9)}.{s.rng.randint(0, 9)}.{s.rng.randint(0, 30)}",
        f"v{s.rng.randint(1, 9)}.{s.rng.randint(0, 9)}",
    ))


def _listed(kind: str) -> Maker:
    return lambda s: words.pick(s.rng, kind, s.split)


KINDS: dict[str, Maker] = {
    "order": _order, "invoice": _invoice, "tracking": _tracking, "customer": _customer, "serial": _serial,
    "ticket": _ticket, "booking": _booking, "policy": _policy, "account": _account, "phone": _phone, "email": _email,
    "date": _date, "time": _time, "amount": _amount, "address": _address, "postcode": _postcode, "product": _product,
    "name": _name, "person": _other_name, "titled": _titled, "reason": _reason, "username": _username, "error": _error,
    "coupon": _coupon, "quantity": _quantity, "size": _size, "version": _version, "city": _listed("city"),
    "country": _listed("country"), "company": _listed("company"), "colour": _listed("colour"), "plan": _listed("plan"),
    "carrier": _listed("carrier"), "four": lambda s: s.digits(4), "short": lambda s: s.digits(2, 4),
    "code": lambda s: s.rng.choice((
        s.mixed(4, 8), s.digits(4, 6), f"{s.letters(1, 3)}-{s.digits(2, 5)}", f"{s.letters(1, 2)}{s.digits(2, 4)}",
    )),
}

HASHED = {"order", "invoice", "customer", "ticket", "booking", "policy"}
"""Kinds that people often write with a number sign, which is no part of the value."""


def written(scope: Scope, kind: str) -> tuple[str, str]:
    """A value not used in this message yet: as the message writes it, and as the answer gives it."""
    value = KINDS[kind](scope)
    for _ in range(20):
        if not any(value in t or t in value for t in scope.taken):
            break
        value = KINDS[kind](scope)
    scope.taken.add(value)
    hashed = kind in HASHED and scope.rng.random() < 0.3
    return (f"#{value}" if hashed else value), value
