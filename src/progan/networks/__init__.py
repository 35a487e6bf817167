"""Whole networks that more than one system, or more than one file, needs."""
