"""Resonance Maria-301 and Maria-304T (maria.md)."""
