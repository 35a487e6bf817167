"""Pictures of a model: sheets, sums, streams of many, and the same picture again."""
