"""Takes out of the whole Danbooru tag list what the rules have to be held against: the tags that
they refuse, those that look as if they should be, and those that are hardly ever safe.

`python -m tests.support.tag_facts LIST` writes `tag_facts.csv` beside this file. The list is that
of github.com/DominikDoom/a1111-sd-webui-tagcomplete; its licence is next to the facts.
"""

import csv
import re
import sys
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.safety.report import refused_tags

FACTS: Final = Path(__file__).with_name("tag_facts.csv")
WHOLE: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "danbooru.csv"

# The words that may get a tag refused, fixed by hand after judging each refusal of the first run:
# a new refusal fails until somebody has judged it too.
REASONS: Final = re.compile(
    r"""(?:^|[^a-z])(?:
      loli|lolis|lo_lis|lolicon|lolidom|lolibaba|shota|shotadom|toddler|toddlercon|mesugaki|osugaki
    | kodomo|youjo|shougakusei|joshi_?kousei|child|children|kids?|baby|teen|aged_down
    | age_regression|randoseru|rando_seru|preschooler|school_kid|schoolgirls
    | little_(?:boy|girl)|kindergarten|elementary_school(?:mate)?|middle.school|junior_high
    | high_school_girls|youngster|menino|pedophile|pedobear|3yo4yo5yo|age-zero|real_life|celebrity
    )(?:[^a-z]|$)""",
    re.VERBOSE,
)
# Such words inside others, where they mean nothing.
INSIDE: Final = re.compile(
    r"[a-z](?:loli|shota|kid|child|baby|teen)|(?:loli|shota|kid|child|teen)[a-z]"
)
SEXUAL: Final = re.compile(
    r"penis|pussy|sex_|_sex|cum_|nipple|masturbat|nude|panties|bikini|fellatio|orgasm|erection"
    r"|vagina|dildo|rape_"
)
_OFTEN: Final = 1000  # pictures: of what is hardly ever safe the common tags are enough


@dataclass(frozen=True, slots=True)
class TagList:
    """Rows of (name, category, count), and how many tags the whole list has."""

    rows: list[tuple[str, int, int]]
    total: int

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.rows]

    @classmethod
    def read(cls, path: Path) -> "TagList":
        """The whole list or our facts of it, whose first line has the number."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        told = rows.pop(0)[1] if path == FACTS else ""
        made = [(name, int(category), int(count)) for name, category, count, *_ in rows]
        return cls(made, int(told or len(made)))


def extract(whole: TagList, refused: Container[str]) -> str:
    """The facts as a file. `refused`: the tags that the rules refuse."""
    lines = [f"tags,{whole.total},"]
    for name, category, count in whole.rows:
        sexual = category == 0 and count >= _OFTEN and SEXUAL.search(f"_{name}_")
        if name in refused or REASONS.search(name) or INSIDE.search(name) or sexual:
            lines.append(f"{name},{category},{count}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    whole = TagList.read(Path(sys.argv[1]))
    refused = {tag for tag, _, _ in refused_tags(whole.names)}
    FACTS.write_text(extract(whole, refused), encoding="utf-8")
