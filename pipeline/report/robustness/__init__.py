"""What absent and harmed sensors cost: figures out of the robustness outputs, and one table of them.

Imported by the command `results`, by the end of a run and by the HTML report. Start reading at figures.py.
"""
