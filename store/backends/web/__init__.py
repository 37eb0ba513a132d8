"""A store behind a plain web server (https://) or in a Hugging Face dataset (hf://): objects are read by their names.

Nothing is listed and nothing is written there. Imported only when such a URL is opened; the requests are those of
object_store/. Start reading at backend.py, then addresses.py, which says where a URL's objects lie.
"""
