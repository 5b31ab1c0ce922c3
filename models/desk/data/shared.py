"""Where the public sets lie, and how a text decides its own side of a split."""

import hashlib
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class MissingShared(FileNotFoundError):
    """A public set is not on this machine."""


def shared() -> Path:
    """The folder of shared data: KINGLET_SHARED, or `../shared` beside the repository."""
    return Path(os.environ.get("KINGLET_SHARED") or ROOT.parent / "shared")


def path(name: str) -> Path:
    """The file `name` below the shared data, which must be there."""
    file = shared() / "data" / name
    if not file.is_file():
        raise MissingShared(f"needs shared data {file} (../shared, or the folder in KINGLET_SHARED)")
    return file


def which(text: str) -> int:
    """A number that depends on nothing but the text: the first 32 bits of its SHA-256."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def norm(text: str) -> str:
    """What is left of a text when case, punctuation and spacing are ignored: equal means the same message."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
