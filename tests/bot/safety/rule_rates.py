"""How many prompts of a list the hard rules judge rightly: `python -m tests.bot.safety.rule_rates`.

Without arguments the two lists beside this file that were written from the documentation before
its author looked at the rules. With `refused FILE` or `passed FILE` a list of your own, one
`rating<TAB>prompt` a line; \\u and \\U escapes are read. Prints the rate and what was misjudged.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.safety.request import words_rating
from bot.safety.rules import check_prompt
from pipeline.rating import Rating
from tests.support.vocabulary import vocabulary

HERE: Final = Path(__file__).parent
LISTS: Final = (
    ("refused", HERE / "blind_evasions.txt"),
    ("passed", HERE / "blind_harmless.txt"),
)
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")


def listed(path: Path) -> list[tuple[Rating, str]]:
    """The prompts of a list, each with the rating asked for."""
    pairs = (line.split("\t", 1) for line in path.read_text(encoding="utf-8").split("\n") if line)
    return [(Rating.from_label(rating), _unescaped(prompt)) for rating, prompt in pairs]


def misjudged(path: Path, *, refused: bool) -> list[str]:
    """The prompts of a list that the rules treat otherwise than all of them should be."""
    rating_of = vocabulary().sexual_rating_of
    return [
        prompt
        for rating, prompt in listed(path)
        if refused
        is not bool(
            check_prompt(
                prompt,
                "lowres",
                rating=rating,
                words_rating=words_rating(prompt, rating_of=rating_of),
            )
        )
    ]


def _unescaped(prompt: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), prompt)


def main(arguments: Sequence[str]) -> None:
    lists = [(arguments[0], Path(arguments[1]))] if arguments else LISTS
    for wanted, path in lists:
        wrong, total = misjudged(path, refused=wanted == "refused"), len(listed(path))
        right = total - len(wrong)
        sys.stdout.write(f"{path.name}: {right} of {total} {wanted} ({right / total:.0%})\n")
        sys.stdout.writelines(f"    {prompt!r}\n" for prompt in wrong)


if __name__ == "__main__":
    main(sys.argv[1:])
