"""People at the till: how they prove who they are."""
