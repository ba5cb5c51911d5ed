"""Forges: where proposals become pull requests, and where it is known who approved them."""
