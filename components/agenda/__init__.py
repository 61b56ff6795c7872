"""The calendar's parts."""
