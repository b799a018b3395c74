"""IKC: registrars of ICS-Market and ICS-Tekhno, IKC-E810T, C651T, E07 (ikc.md)."""
