"""The other modules of a practice platform, acted out: canonical changes and their events (D3)."""
