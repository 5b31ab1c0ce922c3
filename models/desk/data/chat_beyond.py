"""What is beyond a small support-desk model: kinds of asks, each with the fixed sentence that is taught for it."""

from . import chat_beyond_a, chat_beyond_b, chat_beyond_heldout
from .grammar import lines

LEADS = {
    "train": lines("""
        please
        can you help me:
        I have a question:
        quick question:
        hey,
        ok,
        so,
        now something else:
        just for fun:
        one more thing:
        I wonder:
        for school:
        listen,
    """),
    "heldout": lines("""
        let me ask you something:
        here is a puzzle for you:
        since you are here:
        be so good:
    """),
}

# kind: (number of the fixed sentence in BEYOND, blocks of templates)

TRAIN = {
    kind: (wording, lines(block))
    for kind, (wording, block) in (chat_beyond_a.BLOCKS | chat_beyond_b.BLOCKS).items()
}
HELDOUT = {kind: (wording, lines(block)) for kind, (wording, block) in chat_beyond_heldout.BLOCKS.items()}
