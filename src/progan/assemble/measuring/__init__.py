"""Numbers of a model against real pictures: features, caches, metrics, truncation."""
