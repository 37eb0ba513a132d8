"""What each stage computes, from a `Context` into a draft.

`pipeline.registry` names the stages, and `pipeline.run` imports them by those names when a step is done. Start at
context.py, then index.py; sharded.py is for stages whose shards other processes can make.
"""
