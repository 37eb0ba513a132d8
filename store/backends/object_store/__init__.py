"""A store in a bucket (S3, Google Cloud Storage, Azure Blob Storage) or in this process's memory, through obstore.

Imported only when such a URL is opened, because obstore is slow to import. It imports no room above `store.backends`.
Start reading at backend.py, then requests.py, which all of its requests pass through.
"""
