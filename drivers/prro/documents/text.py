"""windows-1251, strictly: what does not fit is transliterated by a table or reported, never smuggled as an entity.

The fiscal server's documents are windows-1251 (fiscal-server.md §1.2). An entity such as `&#8372;` would change hashes
and sizes, so every text passes `fit()` before XML is built: the table first, then plain letters for accented ones,
pictures fall out, and whatever is left over is refused with the name of the good.
"""

from __future__ import annotations

import unicodedata

from drivers.errors import Code, Invalid

ENCODING = "cp1251"
"""Python's name of windows-1251."""

TABLE = {
    # apostrophes and quotes that keyboards, phones and price lists put instead of the plain ones
    "ʼ": "'", "ʻ": "'", "ʹ": "'", "ˈ": "'", "′": "'", "‵": "'", "‛": "'", "´": "'", "＇": "'", "″": '"', "‟": '"',
    # signs
    "₴": "грн", "×": "x", "✕": "x", "✖": "x", "÷": ":", "−": "-", "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=",
    "→": "->", "←": "<-", "↔": "<->", "⇒": "=>", "⇐": "<=", "➔": "->", "➜": "->", "➡": "->", "⟶": "->",
    "⁄": "/", "∕": "/", "∙": "·", "⋅": "·", "●": "•", "▪": "•", "‧": "·", "μ": "µ", "½": "1/2", "¼": "1/4", "¾": "3/4",
    "¿": "?", "¡": "!", "¢": "c", "£": "GBP", "¥": "JPY", "₽": "RUB", "₿": "BTC",
    # hyphens and spaces
    "‐": "-", "‑": "-", "‒": "–", "―": "—", "⁃": "-", "﹣": "-", "－": "-",
    "\u2000": " ", "\u2001": " ", "\u2002": " ", "\u2003": " ", "\u2004": " ", "\u2005": " ", "\u2006": " ",
    "\u2007": "\u00a0", "\u2008": " ", "\u2009": " ", "\u200a": " ", "\u202f": "\u00a0", "\u205f": " ", "\u3000": " ",
    "\u00ad": "",
    # Latin letters that Unicode does not take apart
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ı": "i",
}  # fmt: skip
"""Characters outside windows-1251 and what is written for them (fiscal-server.md §1.2 names the first of them)."""

PICTURES = frozenset({"So", "Sk", "Mn", "Me", "Cf", "Cn", "Co"})
"""Unicode categories that fall out: emoji, skin tones, variation selectors, joiners, stress marks, private signs."""


def fits(text: str) -> bool:
    """Whether windows-1251 holds the text as it is, without control characters."""
    try:
        text.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return text.isprintable() or all(sign.isprintable() or sign == "\u00a0" for sign in text)


def fit(text: str, field: str, whose: str = "") -> str:
    """The text in windows-1251's characters, as near to the original as the table allows.

    `field` names the place in the document, `whose` the good it belongs to. Raises `Invalid` with the characters that
    have no substitute; a text of which nothing is left is refused too.
    """
    if fits(text):
        return text
    substitutes = [(sign, _substitute(sign)) for sign in unicodedata.normalize("NFC", text)]
    strange = [sign for sign, substitute in substitutes if substitute is None]
    if strange:
        listed = ", ".join(f"{sign!r} (U+{ord(sign):04X})" for sign in dict.fromkeys(strange))
        raise Invalid(
            Code.BAD_FIELD,
            f"the receipt's alphabet (windows-1251) has no {listed}{_of(whose or text)}: correct the text",
            field=field,
        )
    result = "".join(substitute or "" for _, substitute in substitutes)
    if any(substitute == "" for _, substitute in substitutes):
        # A picture that fell out must not leave its two spaces; other spaces stay as the tax service registered them.
        result = " ".join(part for part in result.split(" ") if part)
    if not result:
        raise Invalid(Code.BAD_FIELD, f"nothing but pictures is left of the text{_of(whose or text)}", field=field)
    return result


def _of(whose: str) -> str:
    return f" for «{whose}»"


def _substitute(sign: str) -> str | None:
    if sign in TABLE:
        return TABLE[sign]
    if fits(sign):
        return sign
    plain = "".join(
        TABLE.get(part, part)
        for part in unicodedata.normalize("NFKD", sign)
        if unicodedata.category(part) not in ("Mn", "Me")
    )
    if plain and fits(plain):
        return plain
    return "" if unicodedata.category(sign) in PICTURES else None
