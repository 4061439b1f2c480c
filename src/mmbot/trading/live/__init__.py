"""Sessions that meet a venue: what they decide outside of the core, and the one shell that asks."""
