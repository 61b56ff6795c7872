"""The audit page's parts."""
