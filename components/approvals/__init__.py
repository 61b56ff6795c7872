"""The approvals pages' parts."""
