"""Which column of a table is its time: by its name, or by values that rise as a clock does. Start at clock.py."""
