"""The controller: what the commands do once, it does for ever, whenever something has changed."""
