"""An apply without review: within its own limits, loud, and with the same record as any other."""
