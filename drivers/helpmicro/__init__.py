"""Help Micro: registrars with HTTP and JSON, MG-N707TS and its sisters (helpmicro.md)."""
