"""The demo: a whole cluster's story on the sandbox. It calls what the commands call; no output is scripted."""
