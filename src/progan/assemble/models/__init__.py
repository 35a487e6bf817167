"""A recipe made into a system, and a saved one brought back: its labels, latents and walks."""
