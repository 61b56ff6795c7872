"""The status page's parts."""
