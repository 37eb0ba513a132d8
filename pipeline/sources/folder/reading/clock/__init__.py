"""Time: what stamps say in seconds, and samples put in their order. Start reading at stamps.py."""
