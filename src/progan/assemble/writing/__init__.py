"""Files written whole and never over those of others; films."""
