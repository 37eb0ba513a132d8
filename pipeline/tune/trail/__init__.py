"""The trail of a search: as records, in the store, and as people read it. Start reading at records.py."""
