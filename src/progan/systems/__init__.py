"""Papers: one file each, with its players, its turns and one method per loss."""
