"""Catalogs: the bundled one, files that people write, and fresh ones from the OVH API."""
