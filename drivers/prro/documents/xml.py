"""Documents as trees of named nodes, and the two ways between a tree and bytes.

    <?xml version="1.0" encoding="windows-1251"?>
    <CHECK xmlns:xsi=… xsi:noNamespaceSchemaLocation="check01.xsd">
      <CHECKHEAD> <DOCTYPE>0</DOCTYPE> … </CHECKHEAD>
      <CHECKBODY> <ROW ROWNUM="1"> … </ROW> … </CHECKBODY>
    </CHECK>

No white space stands between elements. A node is `(name, text)` or `(name, [nodes])`; rows are numbered while they are
written. The writer is ours because it is ten lines and costs no import; the reader is expat, which refuses a DTD here.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from drivers.errors import Code, Invalid
from drivers.prro.documents.text import ENCODING

Node: TypeAlias = "tuple[str, str | list[Node]]"

DECLARATION = '<?xml version="1.0" encoding="windows-1251"?>\n'
NAMESPACE = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SCHEMAS = {"CHECK": "check01.xsd", "ZREP": "zrep01.xsd", "TICKET": "ticket01.xsd"}
MAX_DEPTH = 12
"""Deeper nesting than any of the schemas has is an attack, not a document."""


def write(root: Node) -> bytes:
    """The tree as windows-1251 bytes. Raises `UnicodeEncodeError` for text that did not pass `text.fit`."""
    name, content = root
    parts = [DECLARATION, f'<{name} {NAMESPACE} xsi:noNamespaceSchemaLocation="{SCHEMAS[name]}">']
    _write(content, parts)
    parts.append(f"</{name}>")
    return "".join(parts).encode(ENCODING, "strict")


def _write(content: str | list[Node], parts: list[str]) -> None:
    if isinstance(content, str):
        parts.append(content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        return
    row = 0
    for name, inner in content:
        if name == "ROW":
            row += 1
            parts.append(f'<ROW ROWNUM="{row}">')
        else:
            parts.append(f"<{name}>")
        _write(inner, parts)
        parts.append(f"</{name}>")


def read(data: bytes) -> Node:
    """The tree of a document. Raises `Invalid` for anything that is not plain XML.

    The declared encoding is believed, a UTF-8 mark before it more. A DTD is refused: no honest document has one.
    """
    from xml.parsers import expat

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    stack: list[tuple[str, list[Node], list[str]]] = [("", [], [])]

    def start(name: str, _: dict[str, str]) -> None:
        if len(stack) > MAX_DEPTH:
            raise ValueError("nested too deep")
        stack.append((name, [], []))

    def end(_: str) -> None:
        name, nodes, texts = stack.pop()
        text = "".join(texts)
        stack[-1][1].append((name, nodes or (text if text.strip(" \t\r\n") else "")))

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: stack[-1][2].append(text)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(_decoded(data).encode(), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Invalid(Code.BAD_FIELD, f"not an XML document: {error}") from error
    return stack[0][1][0]


def _decoded(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        return data.decode("utf-8-sig")
    declared = re.match(rb"""\s*<\?xml[^>]*?encoding=["']([A-Za-z0-9_.-]+)["']""", data)
    return data.decode(declared[1].decode() if declared else "utf-8")


def child(node: Node, name: str) -> list[Node]:
    """The nodes inside the child called `name`; empty where there is none."""
    inner = node[1]
    if not isinstance(inner, str):
        for called, content in inner:
            if called == name:
                return content if isinstance(content, list) else []
    return []


def texts(nodes: list[Node]) -> dict[str, str]:
    """The texts among the nodes by name; the first of a name counts, empty ones are left out."""
    found: dict[str, str] = {}
    for name, content in nodes:
        if isinstance(content, str) and content:
            found.setdefault(name, content)
    return found
