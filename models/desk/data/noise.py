"""Seeded surface noise: what hurried people do to a message. Text inside `{slots}` is left alone."""

import random
import re

_SLOT = re.compile(r"(\{[^{}]*\})")

GREETINGS = (
    "Hi,", "Hello,", "Hey,", "Hi there,", "Good morning,", "Good afternoon,", "Good evening,", "Dear team,",
    "Hello team,", "Hi team,", "Hey there,", "Dear support,", "Hi support,", "Hello!", "Hi!", "Hey!", "Morning,",
    "Dear Sir or Madam,", "To whom it may concern,", "Hiya,", "Hello everyone,", "Greetings,", "Hi folks,",
    "Dear customer service,", "Hi all,", "Good day,", "Yo,", "Helloo,",
)
SIGN_OFFS = (
    "Thanks", "Thank you", "Thanks!", "Thank you!", "Thanks a lot.", "Many thanks.", "Thanks in advance.", "Cheers",
    "Best regards", "Kind regards", "Regards", "Please help.", "Please advise.", "Please get back to me soon.",
    "Looking forward to your reply.", "Hope you can help.", "Let me know.", "Any help is welcome.", "Thx", "ty",
    "Best wishes", "Please reply soon.", "Appreciate it.", "Much appreciated.", "Waiting for your answer.",
    "Thanks so much!", "Have a nice day.", "Sincerely",
)
FILLERS = (
    "so", "well", "ok so", "um", "actually", "basically", "just wondering,", "sorry to bother you but", "quick one,",
    "quick question,", "please,", "honestly", "right,", "not sure if this is the right place but", "look,", "ok,",
    "as the subject says,", "like I said,", "hm,", "I hope you are well.", "hope this finds you well.",
)
_SHORT = {
    "you": "u", "please": "pls", "are": "r", "because": "cuz", "thanks": "thx", "don't": "dont", "can't": "cant",
    "I'm": "im", "didn't": "didnt", "doesn't": "doesnt", "isn't": "isnt", "won't": "wont", "haven't": "havent",
    "hasn't": "hasnt", "I've": "ive", "I'd": "i'd", "it's": "its", "what's": "whats",
    "that's": "thats", "and": "&", "your": "ur", "tomorrow": "tmrw", "message": "msg", "account": "acct",
}


def typo(rng: random.Random, word: str) -> str:
    """One slip of the fingers in a word of letters: two swapped, one lost, one doubled."""
    if len(word) < 4 or not word.isalpha():
        return word
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def _outside(text: str, change) -> str:
    """Applies `change` to what is outside `{slots}`."""
    return "".join(p if p.startswith("{") else change(p) for p in _SLOT.split(text))


def typos(rng: random.Random, text: str, rate: float) -> str:
    """A slip in about `rate` of the words."""

    def words(part: str) -> str:
        return " ".join(typo(rng, w) if rng.random() < rate else w for w in part.split(" "))

    return _outside(text, words)


def shorten(rng: random.Random, text: str, rate: float) -> str:
    """Some words as people type them on a phone."""

    def words(part: str) -> str:
        return " ".join(_SHORT.get(w, w) if rng.random() < rate else w for w in part.split(" "))

    return _outside(text, words)


def frame(rng: random.Random, text: str, chance: float = 0.3) -> str:
    """Perhaps a greeting or a filler before the text, perhaps a closing after it."""
    draw = rng.random()
    if draw < chance:
        text = f"{rng.choice(GREETINGS)} {text}"
    elif draw < chance * 1.5:
        filler = rng.choice(FILLERS)
        text = f"{filler[0].upper()}{filler[1:]} {text}"
    if rng.random() < chance * 0.8:
        end = "" if text.endswith((".", "!", "?")) else "."
        text = f"{text}{end} {rng.choice(SIGN_OFFS)}"
    return text


def noise(rng: random.Random, text: str, level: float = 0.4) -> str:
    """Surface noise on about `level` of the messages: lower case, lost punctuation, typos, shortened words.

    Text inside `{slots}` never changes, so values filled in afterwards stay verbatim.
    """
    if rng.random() >= level:
        return text
    if rng.random() < 0.5:
        text = _outside(text, str.lower)
    elif rng.random() < 0.06:
        text = _outside(text, str.upper)
    if rng.random() < 0.35:
        text = text.rstrip(".!")
    if rng.random() < 0.25:
        text = _outside(text, lambda part: part.replace("'", ""))
    if rng.random() < 0.2:
        text = _outside(text, lambda part: part.replace(",", ""))
    if rng.random() < 0.12:
        text = text.rstrip("?.!") + rng.choice(("!!", "??", "...", "!", "?!", " :(", " :)"))
    if rng.random() < 0.25:
        text = shorten(rng, text, 0.5)
    if rng.random() < 0.4:
        text = typos(rng, text, 0.06)
    return text
