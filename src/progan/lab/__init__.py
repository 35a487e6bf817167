"""The lab: every game on toy worlds, in seconds, as a film and a page."""
