"""Plays any system: turns, shards, precision, averages, checkpoints, run folders. Knows no paper."""
