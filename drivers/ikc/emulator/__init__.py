"""A virtual IKC-E810T, written from ikc.md alone: own framing, own rules, own paper."""
