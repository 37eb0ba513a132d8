"""What lies in a store's folders and is not of the store: a user's own files, a desktop's, a bucket's empty objects."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from store import Store
from store.maintenance.usage import usage_of, users_of

from ..used import freed, name, publish

ATTEMPT = "20200101T000000000000Z-00000000"
FOREIGN = [
    "outputs/.DS_Store",
    "outputs/README",
    "outputs/2024-01-01/12-00-00/model.pt",
    "outputs/2024-01-01/12-00-00/.hydra/config.yaml",
    "outputs/train/README",
    "outputs/train/.DS_Store",
    "outputs/train/unused/notes.txt",
    "outputs/train/unused/lock.d/x",
    f"outputs/train/{ATTEMPT}",
    f"outputs/train/file/{ATTEMPT}",  # a file, where the format has a folder
    "families/.DS_Store",
    "families/x/y",
    "families/train/.DS_Store",
    "families/train/a/b",
    "families/train/a/c/d",
    "quarantine/.DS_Store",
    "quarantine/train/unused/README",
    "quarantine/x/y/z/precious",
    "refs/.DS_Store",
    "refs/old/precious",
]


def old(folder: Path) -> None:
    past = time.time() - 100 * 86400
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (past, past))


def cleaned(store: Store) -> set[str]:
    """List, sum, check and clean a store; return what is foreign."""
    inventory = store.inventory()
    lineage = store.lineage(inventory.published)
    assert usage_of(inventory, lineage, users_of(store.refs(), store.url, lineage)).total > 0
    checked = {each: store.verify(*each) for each in store.outputs()}
    assert {each for each, found in checked.items() if found} == set(inventory.published)
    collection = store.garbage_collection(grace_s=0)
    assert freed(collection) == {}
    return set(collection.inventory.foreign)


def test_foreign_files_stay_and_stop_nothing(folder_store: Store, folder: Path) -> None:
    publish(folder_store, "train", "t")
    publish(folder_store, "train", "unused")
    name(folder_store, "mine.json", ("train", "t"))
    with folder_store.draft("train", "begun", recipe={}, inputs=[]) as draft:
        draft.scratch_write("checkpoint", b"x")
    for path in FOREIGN:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("precious")
    (folder / "outputs/a/b/empty").mkdir(parents=True)
    old(folder)
    found = cleaned(folder_store)
    assert found == set(FOREIGN)
    assert {path for path in FOREIGN if (folder / path).read_text() == "precious"} == set(FOREIGN)
    assert (folder / "outputs/a/b/empty").is_dir()
    assert sorted(path.name for path in (folder / "outputs/train/unused").iterdir()) == ["lock.d", "notes.txt"]
    assert not (folder / "outputs/train/begun").exists()
    folder_store.output("train", "t").verify()
    assert not folder_store.garbage_collection(grace_s=0).garbage
    folder_store._root.delete_all("outputs/train/t")
    publish(folder_store, "train", "unused")
    folder_store.output("train", "unused").verify()


def test_what_stands_for_folders_in_a_bucket(s3: Any) -> None:
    import boto3

    store = Store.open(s3.url(os.urandom(8).hex()))
    publish(store, "train", "t")
    publish(store, "train", "unused")
    name(store, "mine.json", ("train", "t"))
    bucket, prefix = urlsplit(store.url).netloc, urlsplit(store.url).path[1:]
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name=s3.environment["AWS_REGION"],
        aws_access_key_id=s3.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=s3.environment["AWS_SECRET_ACCESS_KEY"],
    )
    folders = ["outputs", "outputs/train", "outputs/x/y", "outputs/train/unused"]
    folders += ["families", "families/x", "families/x/y", "quarantine", "quarantine/x", "refs", "refs/x"]
    for path in folders:
        client.put_object(Bucket=bucket, Key=f"{prefix}/{path}/", Body=b"")
    found = cleaned(store)
    assert found == {*folders} - {"refs/x"}  # to a listing, which has no slash at its end, a reference's name
    assert not store.garbage_collection(grace_s=0).garbage
    assert sorted(store.inventory().folders) == [("train", "t")]
    store.output("train", "t").verify()
    there = client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert {each["Key"] for each in there} >= {f"{prefix}/{path}/" for path in folders}
