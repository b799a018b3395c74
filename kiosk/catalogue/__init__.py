"""Goods of the owner (cashier-flow.md X.1): the guards of a card, tables in and out, changes that can be taken back.

card       what a card may be: fiscal by default, excisable is fiscal, a ground where it is not
table      CSV and XLSX as rows of text, whatever program wrote them
importing  columns -> cards: a dry run that names every bad row, then one change
change     one change of many cards, with its before-image: taken back as one
exporting  cards as CSV or XLSX, which the import reads again
"""
