"""Where a store's bytes lie: a folder (local/) or a bucket (object_store/), behind the one protocol of base.py.

The other rooms of `store` import `base`, `reread` and `urls`; nothing outside `store` imports this package.
Start reading at base.py, then urls.py, which opens the backend that a URL names.
"""
