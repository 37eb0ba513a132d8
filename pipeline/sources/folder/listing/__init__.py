"""Which recordings a folder holds, and which files are whose: by names, tables and stretches of long files.

`pipeline.sources.folder.source` imports it. Nothing here is slow to import, since every plan lists. Start at
recordings.py.
"""
