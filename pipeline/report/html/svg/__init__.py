"""Pictures as SVG: plain data in, markup out. Start at canvas.py.

Knows nothing of experiments; classes of elements are those of picture.css.
"""
