"""The catalogue of topics: `topics/*.txt`, one file per domain.

    = key: name; name; name * name kept for held-out rows       a topic of training
    == key: name; name                                          a topic that is never used in training
    a template                                                  of training (of held-out rows below `==`)
    ~ a template                                                of held-out rows only
"""

from dataclasses import dataclass, field
from pathlib import Path

ROOM = Path(__file__).resolve().parent / "topics"


@dataclass
class Topic:
    """One thing that people write about, with its label names and its messages, each cut into the two splits."""

    domain: str
    key: str
    new: bool
    names: dict[str, list[str]] = field(default_factory=lambda: {"train": [], "heldout": []})
    messages: dict[str, list[str]] = field(default_factory=lambda: {"train": [], "heldout": []})


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(";") if name.strip()]


def read(text: str, domain: str) -> list[Topic]:
    """The topics of one file."""
    out: list[Topic] = []
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("="):
            new = line.startswith("==")
            key, _, names = line.lstrip("= ").partition(":")
            plain, _, kept = names.partition("*")
            topic = Topic(domain, f"{domain}.{key.strip()}", new)
            topic.names["heldout" if new else "train"] += _names(plain)
            topic.names["heldout"] += _names(kept)
            out.append(topic)
        elif line:
            kept = line.startswith("~") or out[-1].new
            out[-1].messages["heldout" if kept else "train"].append(line.lstrip("~ "))
    return out


def load() -> list[Topic]:
    """All topics, in the order of the file names."""
    return [topic for file in sorted(ROOM.glob("*.txt")) for topic in read(file.read_text("utf-8"), file.stem)]


TOPICS = load()
ALIKE = tuple(
    frozenset(line.split())
    for line in (ROOM / "alike").read_text("utf-8").splitlines()
    if line.strip()
)


def alike(a: Topic, b: Topic) -> bool:
    """Whether a message about one could be labelled with the other: such topics never meet in one row."""
    if a.key == b.key or a.key.partition(".")[2] == b.key.partition(".")[2]:
        return True
    return any(a.key in group and b.key in group for group in ALIKE)
