"""The same work at a dask scheduler: steps and shards become its tasks.

Imported only where a scheduler is named, since dask takes long to import. Start with `pool.ScheduledPool` for the run's
side, `shards.coordinate` for a step in shards, and `tasks` for what the scheduler's workers do.
"""
