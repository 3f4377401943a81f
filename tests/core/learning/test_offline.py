"""With --offline nothing is asked of any network, by whatever library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import toy

ROOT = Path(__file__).parents[3]
GUARD = """
import sys
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        print("NETWORK", event, args[1:] if event == "socket.connect" else args, file=sys.stderr)
        raise ConnectionRefusedError(event)
sys.addaudithook(refuse)
import run
sys.exit(run.main(sys.argv[1:]))
"""


def guarded(*arguments: object, home: Path) -> subprocess.CompletedProcess:
    """Run a command in a process that may not connect to anything, with nothing kept from earlier downloads."""
    empty = {"HOME": str(home), "HF_HOME": str(home / "hub"), "HF_ENDPOINT": "http://127.0.0.1:9"}
    kept = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "ASAP_OFFLINE")}
    command = [sys.executable, "-c", GUARD, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=kept | empty, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("offline") / "photos"
    for label in ("real", "fake"):
        (root / label).mkdir(parents=True)
        for number in range(20):
            toy.draw(label == "fake", "dusk", number).save(root / label / f"{number:02}.png")
    return root


def test_nothing_is_asked_for_when_no_encoder_is_named(photos: Path, tmp_path: Path):
    place = ("--out", tmp_path / "study", "--cache", tmp_path / "cache")
    done = guarded("build", photos, *place, "--offline", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr and "mini" in done.stdout
    for command in (("predict", tmp_path / "study", photos / "real"), ("patterns", tmp_path / "study")):
        done = guarded(*command, "--offline", home=tmp_path)
        assert done.returncode == 0 and "NETWORK" not in done.stderr, done.stderr


def test_without_it_one_look_is_taken(photos: Path, tmp_path: Path):
    """So that the test above can fail."""
    done = guarded("build", photos / "nowhere", "--cache", tmp_path / "cache", home=tmp_path)
    assert "NETWORK" in done.stderr


@pytest.mark.parametrize("encoder", ["b32", "l14", "ViT-B-32/laion400m_e32", "ViT-B-16-SigLIP/webli", "RN50/cc12m"])
def test_missing_weights_say_what_to_do(photos: Path, tmp_path: Path, encoder: str):
    asked = ("--out", tmp_path / "study", "--cache", tmp_path / "cache", "--encoder", encoder)
    done = guarded("build", photos, *asked, "--offline", home=tmp_path)
    assert done.returncode == 1 and "NETWORK" not in done.stderr and "Traceback" not in done.stderr
    assert "--offline" in done.stderr and "--encoder mini" in done.stderr and ".safetensors" in done.stderr


def test_the_process_that_builds_for_a_page_is_told(photos: Path):
    from asap_core.options import command_line
    from run import flags

    assert "--offline" in flags(command_line().parse_args(["open", str(photos), "--offline"]))
    assert "--offline" not in flags(command_line().parse_args(["open", str(photos)]))
    for command in ("serve", "predict", "patterns", "faithfulness"):
        more = ["x.jpg"] if command == "predict" else []
        assert command_line().parse_args([command, str(photos), *more, "--offline"]).offline


def test_a_process_started_by_one_that_is_offline_is_too():
    code = (
        "import huggingface_hub.constants as hub; from asap_core import offline\n"
        "assert not hub.HF_HUB_OFFLINE and offline.why() is None\n"
        "offline.stay(); assert hub.HF_HUB_OFFLINE\n"
        "import subprocess, sys\n"
        "then = 'import huggingface_hub.constants as hub; from asap_core import offline; '\\\n"
        "       'assert hub.HF_HUB_OFFLINE and offline.why()'\n"
        "sys.exit(subprocess.run([sys.executable, '-c', then]).returncode)\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.endswith("OFFLINE")}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=kept, check=False).returncode == 0
