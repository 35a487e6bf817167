"""The words everybody shares: systems, players, turns, plans, batches, errors. Knows no paper."""
