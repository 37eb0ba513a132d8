"""The gaf stage: encoded series become Gramian angular fields."""
