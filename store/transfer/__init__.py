"""Copying a published output from one store to another: concurrent, resumed, checked, its manifest last."""

from store.transfer.copying import Copied, copy_output

__all__ = ["Copied", "copy_output"]
