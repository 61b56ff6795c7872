"""The people pages' parts."""
