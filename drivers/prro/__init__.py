"""The software registrar (ПРРО): fiscal documents, their signature, the fiscal server and offline sessions."""
