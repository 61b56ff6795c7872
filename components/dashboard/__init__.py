"""The dashboard's parts."""
