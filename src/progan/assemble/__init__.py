"""Where the parts meet: recipe → system, data, engine and metrics."""
