"""From an approved plan to nodes: an ordered list of steps, each with preconditions that are checked just before it."""
