"""Copying a published output from one store to another: concurrent, resumed, checked, its manifest last."""

from store.transfer.copying import CopyResult, copy_output

__all__ = ["CopyResult", "copy_output"]
