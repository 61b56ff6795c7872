"""Outbound webhooks: campaign events for the systems a practice's integrators run (EVT-6)."""
