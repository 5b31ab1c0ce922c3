"""Seeded generator of support-desk rows: one module per task, each with a tuple `FAMILIES`."""
