"""One recording: its streams, and what encode and gaf make of it, by their own code; nothing goes to the store.

Start at facts.py; `text` and `picture` show it.
"""
