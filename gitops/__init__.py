"""The world: everything that reads, writes, waits or fails, around the pure planner and renderer."""
