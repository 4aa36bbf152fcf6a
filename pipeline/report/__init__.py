"""One self-contained page for each run: what ran, what was found, what was pushed and why."""
