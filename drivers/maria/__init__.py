"""Resonance Maria-301МТМ and Maria-304Т."""
