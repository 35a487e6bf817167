"""Numbers about images: distance to real ones, variety among generated ones.

One file per metric, a pure function of uint8 images; `run.py` names them and measures by name.
"""
