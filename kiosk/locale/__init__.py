"""Catalogues: `uk` and `en`. `python -m kiosk.locale` collects message ids from the code, merges and compiles them.

Babel is a tool of the developer; the kiosk itself reads the compiled `.mo` with the standard library.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

HERE = Path(__file__).parent
PACKAGE = HERE.parent
DOMAIN = "kiosk"
LANGUAGES = ("uk", "en")
STAMP = datetime(2025, 1, 1, tzinfo=UTC)
VOLATILE = ('"Project-Id', '"Report-', '"POT-', '"PO-Rev', '"Last-', '"Language-Team', '"Generated-')
"""Header lines that would change with every run and tell a reader nothing."""


def extracted() -> dict[str | tuple[str, str], list[tuple[str, int]]]:
    """Message ids of the code (a pair for a plural), each with the places where it stands.

    Read from the syntax tree, not by `pybabel extract`: the latter overlooks what stands inside an f-string.
    """
    found: dict[str | tuple[str, str], list[tuple[str, int]]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Call) and (key := _message(node)):
                found.setdefault(key, []).append((str(file.relative_to(PACKAGE.parent)), node.lineno))
    for text, place in _labels():
        found.setdefault(text, []).append(place)
    return found


def _message(call: ast.Call) -> str | tuple[str, str] | None:
    """The message id of `_("…")`, `N_("…")` or `ngettext("…", "…", n)`; None for every other call."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    texts = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    if name in ("_", "N_") and len(texts) == 1:
        return texts[0]
    return (texts[0], texts[1]) if name == "ngettext" and len(texts) == 2 else None


def read(language: str) -> Catalog:
    """The catalogue of a language as it stands."""
    from babel.messages.pofile import read_po

    with (HERE / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, domain=DOMAIN)
    # Babel would stamp the day of the reading into the compiled file.
    catalogue.creation_date = catalogue.revision_date = STAMP
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    """The bytes of the `.mo` of a catalogue; untranslated ids are left out."""
    from babel.messages.mofile import write_mo

    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def refresh() -> list[str]:
    """Merge the code's message ids into each `.po`, write the `.mo`; returns what is not translated into Ukrainian."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    found = extracted()
    missing: list[str] = []
    for language in LANGUAGES:
        folder = HERE / language / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{DOMAIN}.po"
        known = read(language) if path.exists() else Catalog(locale=language, domain=DOMAIN)
        fresh = Catalog(locale=language, domain=DOMAIN, project="Kasa Kiosk", fuzzy=False)
        fresh.header_comment = f"# Kasa Kiosk, {language}."
        for key in sorted(found, key=str):
            old = known.get(key if isinstance(key, str) else key[0])
            text = old.string if old is not None else None
            text = text or ("" if isinstance(key, str) else ("",) * fresh.num_plurals)
            fresh.add(key, text, locations=[(file, 0) for file in sorted({file for file, _ in found[key]})])
            if language == "uk" and not (text if isinstance(text, str) else all(text)):
                missing.append(str(key))
        out = io.BytesIO()
        write_po(out, fresh, width=120, include_lineno=False)
        text = "".join(line for line in out.getvalue().decode().splitlines(True) if not line.startswith(VOLATILE))
        path.write_text(text, encoding="utf-8")
        path.with_suffix(".mo").write_bytes(compiled(read(language)))
    return missing


def _labels() -> Iterator[tuple[str, tuple[str, int]]]:
    """Labels of dated rules stand in `kiosk/till/rules.toml`, not in code."""
    import tomllib

    source = PACKAGE / "till" / "rules.toml"
    for entries in tomllib.loads(source.read_text(encoding="utf-8")).values():
        for entry in entries:
            if "label" in entry:
                yield entry["label"], (f"{PACKAGE.name}/till/rules.toml", 0)
