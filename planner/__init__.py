"""The decision: which node pools run the pending pods, and why. Values in, values out; no I/O, clock or chance."""
