"""Pictures given to a model: codes, reconstructions, edits, neighbours, projections."""
