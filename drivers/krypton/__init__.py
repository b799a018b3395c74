"""Datecs "Krypton": the current generation of Ukrainian Datecs registrars (datecs-krypton.md)."""
