"""Numbers about images: distance to real ones, variety among generated ones.

One file per metric: a pure function of uint8 images, which `run.py` names and measures by name, or
of features, which any extractor gives (`feature_set.py`).
"""
