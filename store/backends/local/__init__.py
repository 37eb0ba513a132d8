"""A store in a folder of this machine or of a network share.

`store.backends.urls` imports it; so does whoever needs `this_process`. It imports no room above `store.backends`.
Start reading at backend.py.
"""
