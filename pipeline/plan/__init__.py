"""From a stages file to steps in order, each with its key, its state and why."""
