"""The survey's own figures, run: each exhibit asks a question and answers it with numbers."""
