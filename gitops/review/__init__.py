"""Review: which change needs whose word, when it may happen, and whether it has that word. Pure values and rules."""
