"""Completion in bash, zsh and fish: the scripts, the line that was typed, and what can stand at its end.

`answer.py` is where a shell's question begins: nothing here is imported before one comes.
"""
