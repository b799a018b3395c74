"""IKC ("ІКС-Маркет", "ІКС-Техно"): IKC-E810T, C651T, E07, A8800 and relatives (ikc.md)."""
