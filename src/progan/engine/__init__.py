"""Plays any system: turns, shards, averages, checkpoints, run folders. Knows no paper."""
