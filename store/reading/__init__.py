"""Published outputs: read with their checksums compared (output.py), verified whole (verify.py).

`store.features`, `store.writing`, `store.transfer` and `store.maintenance` import from here; whoever is outside takes
`Output` and `VerifyResult` from `store`. Start reading at output.py.
"""
