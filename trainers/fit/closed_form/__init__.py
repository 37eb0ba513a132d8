"""Models that are solved in closed form instead of descended. Start with `solve.solve`."""
