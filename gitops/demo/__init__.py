"""The demo: a whole cluster's story on the sandbox. Nothing here is scripted output; it calls what the commands call."""
