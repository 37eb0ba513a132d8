"""What is in a source: recordings by class and subject, each stream's lengths, rates, gaps, and what looks wrong.

`looks` reads recordings in threads, `measure` says what is kept of one stream; `outliers`, `clipping` and `units` judge
all of a stream's measures, `facts` puts it together; `text` and `picture` show it.
"""
