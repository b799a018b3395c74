"""Help Micro: MG-V545T, MG-N707TS, MG-T787TL, MG-T808TL, MG-P777TL over HTTP and JSON (helpmicro.md)."""
