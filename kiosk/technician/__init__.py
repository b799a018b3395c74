"""What a technician does at the till: finding and connecting registrars."""
