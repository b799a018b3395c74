"""Baskets, receipts, fiscal documents and slips. `SqlReceipts` is the room; the acts that change several tables have
their own files."""

from kiosk.ledger.receipts.room import SqlReceipts

__all__ = ["SqlReceipts"]
