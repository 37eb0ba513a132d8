"""The report's sections, each a function from what was gathered to pictures and tables; None where there is nothing.

Their order, which is that of use, stands in order.py.
"""
