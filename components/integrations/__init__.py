"""Parts of the integrations page."""
