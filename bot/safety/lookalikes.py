"""Characters that look like Latin letters, or represent a word of our lists.

Only what Unicode's own data can't tell: `normalise` derives accented, stroked, turned, small
capital, circled, squared and regional-indicator letters from their Unicode names. The text is case
folded first, so a capital's lookalike is listed in lower case (Cherokee folds to capitals).
"""

# Cyrillic, Greek, Armenian, Hebrew, Cherokee, Canadian, Coptic, Lisu, signs, letter by letter.
_SHAPES: dict[str, str] = {
    "a": "⍺ᗩаαꓮⲁɑ∂Ꭺꍏ",
    "b": "ᗷвьβբꓐⲃᏴᏏ",
    "c": "ᑕсϲᏟꓚⲥ¢©",
    "d": "ᗪԁժᎠᏧꓓ",
    "e": "℮ᗴеєэεҽեᎬꓰⲉ€ξ",
    "f": "ғƒꓝϝ",
    "g": "ցɡꓖᏀ",
    "h": "ћђɧһнհᎻᏂꓧⲏꃅ",
    "i": "⍳˛іїιίıɩɪɿꓲⲓᎥ¡ꙇꀤ",
    "j": "јյϳꓙᎫ",
    "k": "кҡκꓗⲕᏦ",
    "l": "⏽ʅᒪᄂƚӏɭʟլꓡⳑᏞ∣│┃ǀ׀ןاⅼ£₤∟╰λㄥ乚˥꒒",
    "m": "мꓟⲙᎷ",
    "n": "пηոռꓠⲛ",
    "o": "ంಂംංоοσօөѳꓳⲟ○◯●◌⚪⚫⭕🔴🔵Ꮎഠہهꂦㄖዐ",
    "p": "рρքꓑⲣᏢ",
    "q": "ԛգզ",
    "r": "гяꓣᎡᏒⲅ®",
    "s": "ꙅѕꜱտꓢᏚ§ʃꌗ",
    "t": "тτեꓔⲧᎢ†‡✝꓄",
    "u": "υսꓴц",
    "v": "ᐯѵνꓦᏙ",
    "w": "ԝωաꓪᎳ",
    "x": "хχꓫⲭ×✕✖",
    "y": "уүγꓬⲩᎩ¥",
    "z": "зꓜᏃⲍ",
}

# Emoji that an image model may read as the word.
_EMOJI: dict[str, str] = {
    "👶": " baby ",
    "🧒": " child ",
    "👦": " little boy ",
    "👧": " little girl ",
    "🚸": " children ",
}

# A stroke that may be an `l` or an `i`: one sign for both.
_STROKES = {"丨": "|"}

LOOKALIKES: dict[str, str] = (
    {shape: latin for latin, shapes in reversed(_SHAPES.items()) for shape in shapes}
    | _STROKES
    | _EMOJI
)

# Invisible characters that are neither marks nor format characters: Hangul fillers, braille
# blank, and the code points that Unicode reserves as default ignorable.
IGNORED_RANGES: tuple[range, ...] = (
    range(0x115F, 0x1161),
    range(0x2800, 0x2801),
    range(0x2065, 0x2066),
    range(0xFFF0, 0xFFFC),
    range(0xE0000, 0xE1000),
)
