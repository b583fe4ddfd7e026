"""Objects of another owner below the prefix on S3 that a run writes to: none is lost or changed.

S3 has no folders, so an object can have a name that ends with a slash, and another one can have a
name that begins with its name and a slash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from generator.sinks.dataset import STAGING
from tests.sinks.test_foreign_files import IDENTITY, a_run_of
from tests.support import s3

ADDRESS = f"s3://{s3.BUCKET}/team/lake"


class Bucket:
    """The only bucket of a server."""

    def __init__(self, server: s3.Server) -> None:
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id="user",
            aws_secret_access_key="secret",
        )

    def put(self, key: str, content: bytes = b"mine") -> None:
        """Store an object."""
        self._client.put_object(Bucket=s3.BUCKET, Key=key, Body=content)

    def copy(self, folder: Path, prefix: str) -> None:
        """Store all files of a folder."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())

    def objects(self) -> dict[str, tuple[str, int]]:
        """Return the hash and the size of each object, by its key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=s3.BUCKET)
        return {
            found["Key"]: (found["ETag"], found["Size"])
            for page in pages
            for found in page.get("Contents", [])
        }

    def clear(self) -> None:
        """Remove all objects."""
        for key in self.objects():
            self._client.delete_object(Bucket=s3.BUCKET, Key=key)


@pytest.fixture
def bucket(s3_server: s3.Server) -> Bucket:
    found = Bucket(s3_server)
    found.clear()
    return found


IN_THE_WAY = (
    "manifest.json",
    STAGING,
    f"{STAGING}/notes.txt",
    f"{STAGING}/{IDENTITY}/manifest.json",
    f"{STAGING}/{IDENTITY}/_run",
    f"{STAGING}/",
    "campaigns",
    "campaigns/",
    "performance_hourly/month=2025-09/",
    "campaigns/mine.parquet",
    "campaigns/export.parquet/part-00000.snappy.parquet",
    "performance_hourly/month=2025-09/accounts-01234567.parquet",
)


@pytest.mark.parametrize("has_run", [False, True], ids=["new", "after a run"])
@pytest.mark.parametrize("name", IN_THE_WAY)
def test_an_object_in_the_way_stays_and_is_named(
    run, bucket: Bucket, name: str, has_run: bool
) -> None:
    if has_run:
        bucket.copy(a_run_of("smoke", "parquet"), "team/lake")
    bucket.put(f"team/lake/{name}")
    before = bucket.objects()
    answer = run("generate", "smoke", "--seed", "8", "--replace", "--to", ADDRESS)
    assert bucket.objects() == before
    assert answer.code == 2, answer.err
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert "move it away" in answer.err


NOT_IN_THE_WAY = (
    "team/",
    "team/notes.txt",
    "team/lake",
    "team/lake/",
    "team/lake-2/campaigns/mine.parquet",
    "team/lake/README.md",
    "team/lake/campaigns/notes.txt",
    "team/lake/mine/campaigns.csv",
    "team/lake/_receipts/accounts.json",
    "team/lake/exports/",
    "team/lake/campaigns/exports/",
)


def test_objects_that_are_not_in_the_way_stay(run, bucket: Bucket) -> None:
    for key in NOT_IN_THE_WAY:
        bucket.put(key)
    before = bucket.objects()
    for seed in ("7", "8"):
        answer = run("generate", "smoke", "--seed", seed, "--replace", "--to", ADDRESS)
        assert answer.code == 0, answer.err
        after = bucket.objects()
        assert {key: after.get(key) for key in before} == before


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_another_dataset_on_s3_stays(run, bucket: Bucket, form: str) -> None:
    bucket.copy(a_run_of("smoke", form), "team/lake")
    before = bucket.objects()
    answer = run("generate", "smoke", "--seed", "8", "--to", ADDRESS)
    assert bucket.objects() == before
    assert answer.code == 2, answer.err
    assert answer.err.startswith("error: ")
    assert "choose another --to" in answer.err or "another --to keeps both" in answer.err


def test_an_object_that_somebody_has_changed_stays(run, bucket: Bucket) -> None:
    folder = a_run_of("smoke", "parquet")
    bucket.copy(folder, "team/lake")
    changed = json.loads((folder / "manifest.json").read_bytes())["files"][0]["path"]
    bucket.put(f"team/lake/{changed}")
    before = bucket.objects()
    answer = run("generate", "smoke", "--replace", "--to", ADDRESS)
    assert bucket.objects() == before
    assert answer.code == 2
    assert "has changed since a run wrote it; move it away" in answer.err
