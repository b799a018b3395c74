"""Secrets of people: PINs and badges."""
