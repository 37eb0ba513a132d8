"""Copying a published output from one store to another: concurrent, resumable, every byte verified, its manifest last.

`store.remotes` and, through `store`, the packages above use `copy_output`; it may import every other room of `store`
but `store.remotes` and `store.store`. Start reading at copying.py.
"""

from store.transfer.copying import CopyResult, copy_output

__all__ = ["CopyResult", "copy_output"]
