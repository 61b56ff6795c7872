"""The runs of campaigns: the list, and one of them."""
