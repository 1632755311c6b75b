"""The wallboard: what a supervisor sees of callers, seats and talks at this moment.

What is seen (``sights``) is folded into a picture (``picture``); the picture and the time make a board (``board``); a
board is shown to people (``screen``) or machines (``lines``). Pure but for ``watch``, which looks; it changes nothing.
"""
