"""`answer`: a question and a passage; the answer is a span of the passage, or that it does not say."""

from . import passages_desk, passages_general, passages_heldout, passages_more, passages_stories, stories
from .facts import HELDOUT_STYLE, TRAIN_STYLE, Style, make_row, parse
from .row import Family


def _families(text: str, style: Style) -> list[Family]:
    return [
        Family(
            f"answer-{topic.name.replace(' ', '-')}", "answer", style.split, make_row(topic, style), topic.templates()
        )
        for topic in parse(text)
    ]


def _stories(text: str, style: Style) -> list[Family]:
    return [
        Family(
            f"answer-{story.name.replace(' ', '-')}",
            "answer",
            style.split,
            stories.make_row(story, style),
            story.templates(),
        )
        for story in stories.parse(text)
    ]


FAMILIES = (
    *_families(passages_desk.TEXT, TRAIN_STYLE),
    *_families(passages_general.TEXT, TRAIN_STYLE),
    *_families(passages_more.TEXT, TRAIN_STYLE),
    *_stories(passages_stories.TEXT, TRAIN_STYLE),
    *_families(passages_heldout.TEXT, HELDOUT_STYLE),
    *_stories(passages_heldout.STORIES, HELDOUT_STYLE),
)
