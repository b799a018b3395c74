"""Widgets of the till, one a file. Rows that change often are drawn by `render_line`; a tap acts on MouseDown."""
