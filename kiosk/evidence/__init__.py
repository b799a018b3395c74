"""What left this box: every exchange with a registrar, a fiscal server, a bank or a backup, kept for the owner.

book      the append-only, hash-chained file of all bytes both ways (cashier-flow.md X.6)
reading   exchanges out of the book, and what they say in words
index     the search over raw bytes; derived, may be deleted
absence   every private value of the base searched in everything that was ever sent
proof     the signed export, and its verification
page      the room behind the screen, with the rights
"""
