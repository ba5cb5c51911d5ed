"""The loop: what the situation of a cluster is, which step it asks for, and carrying that step out."""
