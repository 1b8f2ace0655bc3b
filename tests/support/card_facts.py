"""Takes out of the model card of Animagine XL 3.1 what the code repeats: its special words, and the
hashes of its prompts, so that no text of the card is here.

`python -m tests.support.card_facts CARD` writes `card_facts.json` beside this file.
"""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Final

FACTS: Final = Path(__file__).with_name("card_facts.json")
SEEDS: Final = Path(__file__).resolve().parents[3] / "shared" / "seeds"

_WORD = re.compile(r"^\| `([^`]+)`", re.MULTILINE)
_PROMPT = re.compile(r'prompt = "([^"]+)"|^```\n([^`]+)\n```', re.MULTILINE)


def hash_of(prompt: str) -> str:
    return hashlib.sha256(prompt.encode()).hexdigest()


def extract(card: str) -> dict[str, list[str]]:
    prompts = {first or second for first, second in _PROMPT.findall(card)}
    return {"words": _WORD.findall(card), "prompts": sorted(map(hash_of, prompts))}


if __name__ == "__main__":
    facts = extract(Path(sys.argv[1]).read_text(encoding="utf-8"))
    FACTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
