"""The stages file that a search writes. Start reading at write.py."""
