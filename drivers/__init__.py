"""Everything that talks to a fiscal registrar or a fiscal server; useful alone, without a till."""
