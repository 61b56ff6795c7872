"""The settings page's parts."""
