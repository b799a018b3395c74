"""Kasa Kiosk: the till. Screens call the till; the till calls the ledger and the registrars."""
