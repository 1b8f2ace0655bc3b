"""Prompts that sheets and previews are made of."""

from typing import Final

SHOWN: Final = (
    "1girl, green hair, blue eyes, long hair, red sweater, smile, outdoors",
    "1girl, pink hair, yellow eyes, twintails, blue school uniform, open mouth, cherry blossoms",
    "1boy, black hair, red eyes, short hair, white shirt, city",
    "1girl, white hair, purple eyes, bob cut, black jacket, frown, outdoors, night",
    "1girl, blonde hair, green eyes, ponytail, pink hoodie, smile, beach, hat",
    "1girl, red hair, brown eyes, braids, green kimono, forest, glasses",
    "1boy, blue hair, yellow eyes, short hair, purple hoodie, starry sky, headphones",
    "1girl, orange hair, aqua eyes, long hair, white sweater, scarf, snow, beanie",
    "1girl, purple hair, pink eyes, short hair, yellow shirt, blush, room, hair ribbon",
    "1girl, brown hair, closed eyes, long hair, red kimono, smile, sunset, hair flower",
    "1girl, black hair, blue eyes, wink, twintails, white shirt, simple background, animal ears",
    "1girl, green hair, beanie, outdoors, night",
)
"""One of each, more or less; the last is the issue's own."""

COLOURS: Final = tuple(
    f"1girl, {hair} hair, {eyes} eyes, {style}, {clothes}, simple background"
    for hair, eyes, style, clothes in (
        ("black", "blue", "long hair", "white shirt"),
        ("blonde", "aqua", "bob cut", "red hoodie"),
        ("brown", "green", "twintails", "blue school uniform"),
        ("red", "yellow", "braids", "green sweater"),
        ("pink", "brown", "ponytail", "purple kimono"),
        ("orange", "red", "long hair", "yellow jacket"),
        ("purple", "pink", "bob cut", "black hoodie"),
        ("blue", "purple", "twintails", "pink shirt"),
        ("green", "blue", "braids", "white sweater"),
        ("white", "green", "ponytail", "red school uniform"),
    )
)
"""Every hair colour once."""

PLAIN: Final = "1girl, blue hair, yellow eyes, long hair, pink sweater, smile, outdoors"

PAIRS: Final = (
    "2girls, cherry blossoms, left: pink hair, twintails, blue eyes, white sweater, smile"
    " | right: black hair, long hair, red eyes, blue jacket, open mouth",
    "couple, beach, sunset, left: 1girl, blonde hair, ponytail, green eyes, yellow shirt, smile"
    " | right: 1boy, brown hair, blue eyes, black jacket, glasses",
    "2girls, snow, left: white hair, bob cut, purple eyes, red sweater, scarf, smile"
    " | right: red hair, braids, green eyes, white hoodie, beanie",
    "2girls, night, city, left: green hair, yellow eyes, purple kimono, hair flower"
    " | right: orange hair, aqua eyes, pink kimono, smile, animal ears",
    "2boys, outdoors, left: blue hair, yellow eyes, green hoodie, headphones, smile"
    " | right: purple hair, red eyes, yellow shirt, hat, open mouth",
    "2girls, room, left: brown hair, closed eyes, long hair, pink sweater, smile"
    " | right: blue hair, wink, short hair, black jacket, smile",
)
"""Two figures, each with a region of its own."""
