"""A content-addressed store of immutable outputs, at a folder or any URL: its one door.

`Store.open` is the way in. Whoever is outside takes what is named here, in `store.errors`, `store.canonical` and
`store.features` (arrays in Zarr), and nothing else. Most of it is imported when it is first asked for, so that a run
with nothing to do pays for nothing that it does not use. Start reading at store.py.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .store import Store as Store

if TYPE_CHECKING:
    from store.backends.base import IN_THE_WAY as IN_THE_WAY
    from store.backends.base import IrregularPath as IrregularPath
    from store.backends.object_store.leases import lease_s as lease_s
    from store.environment import check_environment as check_environment
    from store.environment import seconds_from_environment as seconds_from_environment
    from store.home import expand_home as expand_home
    from store.maintenance.garbage import GarbageItem as GarbageItem
    from store.maintenance.gc import GarbageCollection as GarbageCollection
    from store.maintenance.gc import resolve_ref_names as resolve_ref_names
    from store.maintenance.inventory import Folder as Folder
    from store.maintenance.lineage import Lineage as Lineage
    from store.maintenance.lineage import Origin as Origin
    from store.maintenance.records import Records as Records
    from store.maintenance.references import Ref as Ref
    from store.maintenance.references import encode_ref as encode_ref
    from store.maintenance.references import parse_ref as parse_ref
    from store.maintenance.usage import Totals as Totals
    from store.maintenance.usage import Usage as Usage
    from store.maintenance.usage import Users as Users
    from store.maintenance.usage import usage_of as usage_of
    from store.maintenance.usage import users_of as users_of
    from store.manifest.schema import Manifest as Manifest
    from store.manifest.validation import family_of as family_of
    from store.paths import OutputName as OutputName
    from store.plain_file import NotPlainFile as NotPlainFile
    from store.plain_file import read_plain_file as read_plain_file
    from store.reading.output import Output as Output
    from store.reading.verify import VerifyResult as VerifyResult
    from store.redaction import redact_secrets as redact_secrets
    from store.remotes import StoreChain as StoreChain
    from store.remotes import find_differing as find_differing
    from store.remotes import find_sibling_outputs as find_sibling_outputs
    from store.transfer import CopyResult as CopyResult
    from store.transfer import copy_output as copy_output
    from store.writing.draft import Draft as Draft
    from store.writing.shared_writer import SharedWriter as SharedWriter

# Of which module each name above is an attribute.
_LAZY_MODULES = {
    "store.backends.base": ("IN_THE_WAY", "IrregularPath"),
    "store.backends.object_store.leases": ("lease_s",),
    "store.environment": ("check_environment", "seconds_from_environment"),
    "store.home": ("expand_home",),
    "store.maintenance.garbage": ("GarbageItem",),
    "store.maintenance.gc": ("GarbageCollection", "resolve_ref_names"),
    "store.maintenance.inventory": ("Folder",),
    "store.maintenance.lineage": ("Lineage", "Origin"),
    "store.maintenance.records": ("Records",),
    "store.maintenance.references": ("Ref", "encode_ref", "parse_ref"),
    "store.maintenance.usage": ("Totals", "Usage", "Users", "usage_of", "users_of"),
    "store.manifest.schema": ("Manifest",),
    "store.manifest.validation": ("family_of",),
    "store.paths": ("OutputName",),
    "store.plain_file": ("NotPlainFile", "read_plain_file"),
    "store.reading.output": ("Output",),
    "store.reading.verify": ("VerifyResult",),
    "store.redaction": ("redact_secrets",),
    "store.remotes": ("StoreChain", "find_differing", "find_sibling_outputs"),
    "store.transfer": ("CopyResult", "copy_output"),
    "store.writing.draft": ("Draft",),
    "store.writing.shared_writer": ("SharedWriter",),
}
_MODULE_OF = {name: module for module, names in _LAZY_MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)
