"""A virtual receipt printer (escpos.md §7)."""
