"""The container of the Dockerfile, built and run without a Docker engine: buildah changes the root
folder for each command. The base image is made of Debian's packages, also of those that the
Dockerfile installs, and called like the one that the Dockerfile names. pip is given the wheels, as
it may not reach a registry from inside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import ROOT
from tests.test_golden_hashes import RECORDED

pytestmark = pytest.mark.container
AS_ROOT = [] if os.geteuid() == 0 else ["sudo"]
BASE = "python:3.11-slim"
DEVCONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
CHECKOUT = DEVCONTAINER["build"]["target"]
PIP = "[global]\nno-index = true\nfind-links = /wheels\n[install]\nno-compile = true\n"
PACKAGES = ("ca-certificates", "git", "make", "passwd", "python3", "python3-venv")
BASE_OPTIONS = (
    *("--quiet", "--variant=apt", "--format=directory", "--include=" + ",".join(PACKAGES)),
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")),
)


class Images:
    """A separate store of images, in a folder with the wheels."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        store = ["--root", str(folder / "images"), "--runroot", str(folder / "run")]
        self._buildah = [*AS_ROOT, "buildah", *store, "--storage-driver", "overlay"]

    def buildah(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._buildah, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout.strip()

    def build(self, tag: str, *arguments: str) -> None:
        wheels = f"{self.wheels}:/wheels:ro"
        self.buildah(
            *("build", "--isolation", "chroot", "--pull-never", "--volume", wheels),
            # No more than the generator: the extra `s3` has no packages.
            *("--build-arg", "EXTRAS=s3", "--tag", tag, *arguments, str(ROOT)),
        )

    def run(self, image: str, volume: str, *command: str) -> str:
        container = self.buildah("from", "--pull-never", image)
        run = ["run", "--isolation", "chroot", "--volume", volume, container, "--", *command]
        try:
            return self.buildah(*run)
        finally:
            self.buildah("rm", container)


def checkout_stage() -> str:
    """Return the part of the Dockerfile that the container for development is."""
    _, start, rest = (ROOT / "Dockerfile").read_text().partition(f"FROM command AS {CHECKOUT}\n")
    assert start
    return start + rest.partition("\nFROM ")[0]


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    """The images `command` and `checkout`."""
    folder = Path(tempfile.mkdtemp())
    images = Images(folder)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    build_system = "hatchling>=1.27,<2"
    try:
        subprocess.run([*pip, "-w", str(images.wheels), str(ROOT), build_system], check=True)
        (folder / "pip.conf").write_text(PIP)
        container = images.buildah("from", "scratch")
        base = images.buildah("mount", container)
        subprocess.run([*AS_ROOT, "mmdebstrap", *BASE_OPTIONS, "bookworm", base], check=True)
        images.buildah("umount", container)
        images.buildah("add", container, str(folder / "pip.conf"), "/etc/pip.conf")
        images.buildah("commit", container, BASE)
        images.buildah("rm", container)
        images.build("command", "--target", "command")
        # The image that was built is the stage of that name, so no stage is built twice.
        (folder / "Dockerfile").write_text(checkout_stage())
        images.build("checkout", "--file", str(folder / "Dockerfile"))
        yield images
    finally:
        subprocess.run([*AS_ROOT, "umount", "--lazy", str(folder / "images/overlay")], check=False)
        subprocess.run([*AS_ROOT, "rm", "-rf", str(folder)], check=True)


def test_the_container_is_the_command_and_writes_the_same_data(
    images: Images, tmp_path: Path
) -> None:
    config = json.loads(images.buildah("inspect", "--type", "image", "command"))["OCIv1"]["config"]
    assert config["Entrypoint"] == ["streaming-ads"]
    assert (config["User"], config["WorkingDir"], list(config["Volumes"])) == (
        "ads",
        "/data",
        ["/data"],
    )
    # Not over /data: buildah puts the content of a volume of the image in front of it.
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o777)
    command = [*config["Entrypoint"], "generate", "smoke", "--json", "--to", "/out/ads.duckdb"]
    landed = json.loads(images.run("command", f"{tmp_path}/data:/out", *command))["tables"]
    hashes = {row["table"].rpartition(".")[2]: row["hash"] for row in landed}
    assert RECORDED["hashes"]["smoke"].items() <= hashes.items()
    # Not root's, as the container runs as its own user.
    assert (tmp_path / "data/ads.duckdb").stat().st_uid == 1000


def test_the_container_for_development_has_what_a_checkout_needs(
    images: Images, tmp_path: Path
) -> None:
    folder = ROOT / ".devcontainer"
    assert (folder / DEVCONTAINER["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (folder / DEVCONTAINER["build"]["context"]).resolve() == ROOT
    assert DEVCONTAINER["remoteUser"] == "ads"
    checkout = shutil.copytree(
        ROOT, tmp_path / "checkout", ignore=shutil.ignore_patterns(".*", "data", "target", "logs")
    )
    script = "id -un; git --version; python3 -c 'import venv, ensurepip'; make -C /work help"
    answer = images.run("checkout", f"{checkout}:/work", "sh", "-ec", script).splitlines()
    assert answer[0] == "ads"
    assert answer[1].startswith("git version")
    assert any(line.startswith("build ") for line in answer)
