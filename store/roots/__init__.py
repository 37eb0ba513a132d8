"""Where a store can lie: a folder, or any URL that obstore opens."""
