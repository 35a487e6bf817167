"""Pictures in, batches out: sources, decoding, the pyramid on disk, order and loader."""
