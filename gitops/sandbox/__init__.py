"""An OVH API on loopback whose node pools come and go by the clock, for trials and tests."""
