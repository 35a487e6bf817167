"""From the words a user typed to a finished run and its review."""
