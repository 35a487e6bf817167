"""Trainings side by side: contests, their numbers and verdicts, benchmarks of settings."""
