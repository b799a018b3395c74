"""Questions on top of a screen, one a file; each is typed by its answer and `None` means "no"."""
