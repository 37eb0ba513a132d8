"""Trainings for the programs that people look at them with: TensorBoard, MLflow; both packages are optional.

Imported by the command line; imports what a report gathers. Start at trackers.py.
"""
