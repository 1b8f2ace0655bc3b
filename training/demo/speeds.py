"""`python -m training.demo.speeds`: ten prompts at every speed, as the bot draws them, on a sheet.

Each row is one speed; a column is one prompt with one seed.
"""

import argparse
from pathlib import Path
from typing import Final

from PIL import Image

from pipeline.card import Speed
from training.demo.as_bot import imagine, library
from training.demo.prompts import SHOWN
from training.demo.sheet import grid

PROMPTS: Final = SHOWN[:10]
_SEED: Final = 700_000
_WIDTH: Final = 150


def sheet() -> Image.Image:
    """Rows: full, balanced, draft."""
    with library() as loras:
        pictures = [
            imagine(prompt, "--speed", speed.value, seed=_SEED + number, loras=loras)
            for speed in Speed
            for number, prompt in enumerate(PROMPTS)
        ]
    return grid(pictures, columns=len(PROMPTS), width=_WIDTH)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.demo.speeds", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/demo/speeds.jpg"))
    out: Path = parser.parse_args().out
    sheet().save(out, quality=84)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
