"""The words: plans and pools as HCL, YAML, terminal text, Markdown and JSON. Pure: it shows and solves nothing."""
