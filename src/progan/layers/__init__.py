"""Building blocks of networks: torch only, knowing no paper's whole."""
