"""Skeletons as programs that find bodies write them. Start reading at skeleton_json.py."""
