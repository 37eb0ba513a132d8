"""Tasks: each owns what is trained and its loss, so that the fit loop knows neither."""
