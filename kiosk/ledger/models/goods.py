"""The catalogue and the regular buyers.

A customer's `name_ci` is the folded name, `name_key` what it sorts by (`kiosk.ledger.folding`). A good's `words` is the
folded name after a space, so that a space and two letters, which are a trigram, find the beginnings of words.

SQLite has beside it `goods_fts`, an FTS5 trigram index over `words` that triggers keep in step.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Base, Exact, Key


class GoodRow(Base):
    __tablename__ = "goods"

    id: Mapped[Key]
    code: Mapped[Exact] = mapped_column(unique=True)
    name: Mapped[str]
    words: Mapped[str]
    name_key: Mapped[Exact]
    price: Mapped[int]
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    barcode: Mapped[Exact] = mapped_column(index=True)
    unit: Mapped[str]
    tax: Mapped[str]
    uktzed: Mapped[str]
    excisable: Mapped[bool]
    adult: Mapped[bool]
    weighed: Mapped[bool]
    fiscal: Mapped[bool]
    ground: Mapped[str]
    department: Mapped[int]
    stock: Mapped[int]

    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("fiscal OR ground <> ''", name="ground"),
        CheckConstraint("fiscal OR NOT excisable", name="excisable"),
        Index("ix_goods_name_key", "name_key", "id"),
    )


class CustomerRow(Base):
    __tablename__ = "customers"

    id: Mapped[Key]
    card: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str]
    name_ci: Mapped[str]
    name_key: Mapped[Exact] = mapped_column(index=True)
    discount: Mapped[int]

    __table_args__ = (CheckConstraint("discount BETWEEN 0 AND 10000", name="discount"),)
