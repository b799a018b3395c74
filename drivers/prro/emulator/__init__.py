"""A virtual fiscal server and everything a virtual world of signatures needs: an authority, a time stamp, tickets."""
