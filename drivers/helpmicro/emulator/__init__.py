"""A virtual MG-N707TS, written from helpmicro.md alone: own HTTP, own digest, own rules, own paper."""
