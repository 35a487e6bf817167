"""Settings of the systems: torch-free, so that recipes can be read and described quickly."""
