"""Writing outputs: drafts with one owner, shared writers beside it, journals of finished units, resuming after a death.

`Store.draft` and `Store.open_shared_writer` are the way in; `store.features` and `store.maintenance` import from here.
Start reading at draft.py; writer.py is what owners and shared writers have in common.
"""
