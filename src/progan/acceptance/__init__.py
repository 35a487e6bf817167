"""What each system must come to, as its paper or a measurement has it: trained, measured, judged.

A task trains a system on points, or on small pictures whose truth is known, and gives numbers with
their bars. `progan accept SYSTEM` carries them out. To add one: a function from a seed to numbers,
and a line in `table.py`.
"""
