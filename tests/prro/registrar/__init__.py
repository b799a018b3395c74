"""The software registrar against the virtual fiscal server."""
