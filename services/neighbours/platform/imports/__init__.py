"""Files that bring people in: a CRM's leads, Synthea's patients and visits (AUD-7)."""
