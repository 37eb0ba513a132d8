"""Where a store's bytes lie, behind the one protocol of base.py: a folder (local/), a bucket (object_store/), or a web
server, where they are only read (web/).

The other rooms of `store` import `base`, `reread` and `urls`; nothing outside `store` imports this package.
Start reading at base.py, then urls.py, which opens the backend that a URL names.
"""
