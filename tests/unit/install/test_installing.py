"""The installer: nothing but Python before it, clear words when it cannot go on, no cost when all is there."""

from __future__ import annotations

import fcntl
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ivr.asterisk.locate import RECIPE, VERSION_FILE
from ivr.config import load
from ivr.install import command, environment, packages, places, private_asterisk
from ivr.install.errors import InstallError
from ivr.install.progress import Progress
from ivr.install.sources import Mirror

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(out: io.StringIO) -> Progress:
    return Progress(out)


def test_it_needs_nothing_but_python() -> None:
    # -S: no site-packages; -I: nothing of the caller's environment.
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import ivr.install.command, ivr.install.__main__"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_an_older_python_is_told_so_kindly() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import ivr.install.__main__ as it\n"
        "sys.version_info = (3, 9, 2, 'final', 0)\nsys.exit(it.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "needs Python 3.11 or newer; this is 3.9" in done.stderr
    assert "make run PYTHON=/path/to/python3" in done.stderr


def test_a_wrong_call_shows_the_usage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert command.command(["jump"]) == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "environ",
    [{}, {"XDG_CACHE_HOME": "/x/cache"}, {"GOLDLINE_CACHE_DIR": "/y/cache"}],
    ids=["nothing", "xdg", "own"],
)
def test_the_cache_is_where_the_settings_say(environ: dict[str, str]) -> None:
    # In a fresh process: the settings' default is computed when ivr.config is imported.
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from ivr.config import load; from ivr.install import places\n"
        "print(load().cache_dir == places.cache_dir())"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOLDLINE_", "XDG_"))}
    done = subprocess.run([sys.executable, "-c", code], env=kept | environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_the_cache_can_stand_in_goldline_toml(tmp_path: Path) -> None:
    file = tmp_path / "goldline.toml"
    file.write_text('cache_dir = "/z/cache"\n')
    assert places.cache_dir({}, tmp_path) == Path("/z/cache") == load(file, {}).cache_dir
    assert places.cache_dir({"GOLDLINE_CONFIG": str(file)}, tmp_path / "elsewhere") == Path("/z/cache")
    file.write_text("cache_dir = \n")
    with pytest.raises(InstallError, match=r"goldline\.toml cannot be read"):
        places.cache_dir({}, tmp_path)


def test_without_root_or_sudo_it_names_packages_and_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    with pytest.raises(InstallError) as caught:
        packages.as_root(["mmdebstrap", "sip-tester"])
    assert "mmdebstrap sip-tester" in caught.value.message
    assert "apt-get install --no-install-recommends mmdebstrap sip-tester" in caught.value.remedy


def test_sudo_that_asks_for_a_password_is_used_only_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\nexit 1\n")
    sudo.chmod(0o755)
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages.shutil, "which", lambda name: str(sudo))
    monkeypatch.setattr(packages.sys, "stdin", io.StringIO())
    with pytest.raises(InstallError, match="neither root nor may use sudo"):
        packages.as_root(["tmux"])
    sudo.write_text("#!/bin/sh\nexit 0\n")
    assert packages.as_root(["tmux"]) == [str(sudo), "-n"]


def test_what_dpkg_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert packages.missing(["dpkg", "no-such-package-at-all"]) == ["no-such-package-at-all"]
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    with pytest.raises(InstallError, match="has no dpkg"):
        packages.missing(["dpkg"])


@pytest.mark.parametrize(
    ("policy", "version"),
    [
        ("asterisk:\n  Installed: (none)\n  Candidate: 1:20.6.0~dfsg+~cs6.13.40431414-2build5\n", "20.6.0"),
        ("asterisk:\n  Installed: (none)\n  Candidate: (none)\n", ""),
        ("", ""),
        ("asterisk:\n  Candidate: 1:22.10.1+dfsg-1\n", "22.10.1"),
    ],
)
def test_what_apt_would_install(policy: str, version: str) -> None:
    assert packages.candidate_version(policy) == version


def test_package_lists_age(tmp_path: Path) -> None:
    assert not packages.lists_are_fresh(tmp_path)
    (tmp_path / "mirror_dists_bookworm_main_binary-amd64_Packages.lz4").touch()
    updated = tmp_path.stat().st_mtime
    assert packages.lists_are_fresh(tmp_path, now=updated + 3600)
    assert not packages.lists_are_fresh(tmp_path, now=updated + 2 * 86400)


def test_the_environment_is_made_once_and_again_when_the_project_changes(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    venv = tmp_path / ".venv"
    ran: list[list[str]] = []

    def run(words: Sequence[str], **_: object) -> str:
        ran.append(list(words))
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        (venv / "bin/python").touch()
        return ""

    monkeypatch.setattr(progress, "run", run)
    monkeypatch.setattr(environment, "works", lambda venv: (venv / "bin/python").exists())

    environment.ensure(progress, tmp_path, venv, environment.NO_EXTRAS)
    assert [words[1:3] for words in ran] == [["-m", "venv"], ["-m", "pip"]]
    assert ran[1][-1] == str(tmp_path)
    environment.ensure(progress, tmp_path, venv, environment.NO_EXTRAS)
    assert len(ran) == 2
    environment.ensure(progress, tmp_path, venv, environment.TEST_EXTRAS)
    assert ran[2][-1] == f"{tmp_path}[test]"
    environment.ensure(progress, tmp_path, venv, environment.NO_EXTRAS)  # more than asked for is there
    assert len(ran) == 3
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    environment.ensure(progress, tmp_path, venv, environment.NO_EXTRAS)
    assert len(ran) == 4


def test_an_installation_that_broke_off_is_done_again(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    venv = tmp_path / ".venv"
    venv.mkdir()
    stamp = venv / environment.STAMP_FILE
    stamp.write_text(json.dumps({"fingerprint": "old", "extras": []}))
    monkeypatch.setattr(environment, "works", lambda venv: True)

    def fail(words: Sequence[str], **_: object) -> str:
        raise InstallError("no network")

    monkeypatch.setattr(progress, "run", fail)
    with pytest.raises(InstallError, match="no network"):
        environment.ensure(progress, tmp_path, venv, environment.NO_EXTRAS)
    assert environment.installed_extras(tmp_path, venv) is None


# A private Asterisk: the build itself is stood in for, all around it is real.


@pytest.fixture
def _debian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_asterisk, "machine_mirrors", lambda: [Mirror("http://m.example/debian", "bookworm")])
    monkeypatch.setattr(private_asterisk, "codename", lambda: "bookworm")


def unpacks(words: Sequence[str], **_: object) -> str:
    Path(words[-2]).mkdir()
    return ""


@pytest.mark.usefixtures("_debian")
def test_a_private_asterisk_is_put_in_place_when_it_was_seen_to_run(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "run", unpacks)
    monkeypatch.setattr(private_asterisk, "try_version", lambda root: "22.10.1")
    (tmp_path / ".asterisk-building-1").mkdir()  # left by one that was killed
    found = private_asterisk.ensure(progress, tmp_path)
    assert (found.root, found.version) == (tmp_path / f"asterisk-r{RECIPE}-22.10.1", "22.10.1")
    assert (found.root / VERSION_FILE).read_text() == "22.10.1\n"
    assert not list(tmp_path.glob(".asterisk-building-*"))
    monkeypatch.setattr(progress, "run", lambda *_, **__: pytest.fail("built twice"))
    assert private_asterisk.ensure(progress, tmp_path) == found


@pytest.mark.usefixtures("_debian")
def test_one_that_does_not_run_leaves_nothing(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "run", unpacks)
    monkeypatch.setattr(private_asterisk, "try_version", lambda root: "")
    with pytest.raises(InstallError, match="does not run here"):
        private_asterisk.ensure(progress, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["asterisk.lock"]


@pytest.mark.usefixtures("_debian")
def test_two_checkouts_do_not_build_at_once(
    tmp_path: Path, progress: Progress, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "run", lambda *_, **__: pytest.fail("built although the other one did"))
    waits = threading.Event()
    write = out.write

    def seen(text: str) -> int:
        if "Waiting for another checkout" in text:
            waits.set()
        return write(text)

    monkeypatch.setattr(out, "write", seen)
    with (tmp_path / "asterisk.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        results: list[str] = []
        ours = threading.Thread(target=lambda: results.append(private_asterisk.ensure(progress, tmp_path).version))
        ours.start()
        assert waits.wait(20)
        root = tmp_path / f"asterisk-r{RECIPE}-22.10.1"
        root.mkdir()
        (root / VERSION_FILE).write_text("22.10.1\n")
    ours.join(20)
    assert results == ["22.10.1"]


def test_without_a_debian_mirror_it_says_where_to_look(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_asterisk, "machine_mirrors", list)
    with pytest.raises(InstallError) as caught:
        private_asterisk.ensure(progress, tmp_path)
    assert "names no Debian mirror" in caught.value.message
    assert "universe" in caught.value.remedy


# What a person sees


def test_a_step_shows_its_title_and_its_end(progress: Progress, out: io.StringIO) -> None:
    with progress.step("Something slow"):
        progress.run(["true"], remedy="")
    assert out.getvalue().startswith("… Something slow\n✓ Something slow (")


def test_a_command_that_fails_shows_the_end_of_its_output(progress: Progress, out: io.StringIO) -> None:
    with pytest.raises(InstallError) as caught, progress.step("Something"):
        progress.run(["sh", "-c", "seq 1 50; echo boom >&2; exit 7"], remedy="Try harder.")
    assert "ended with 7" in caught.value.message
    assert "    boom\n" in caught.value.message
    assert "    30\n" not in caught.value.message
    assert caught.value.remedy == "Try harder."
    assert "✗ Something" in out.getvalue()


def test_a_command_that_takes_too_long_is_ended(progress: Progress) -> None:
    with pytest.raises(InstallError, match="took longer than 0 s"):
        progress.run(["sleep", "60"], remedy="", seconds=0.1)


def test_a_command_that_is_not_there(progress: Progress) -> None:
    with pytest.raises(InstallError, match="cannot be run"):
        progress.run(["no-such-program-at-all"], remedy="")


def test_make_test_says_which_parts_ran_and_goes_on_after_a_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin").mkdir()
    for name, code in (("ruff", 1), ("mypy", 0), ("pytest", 0)):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\necho {name} got $*\nexit {code}\n")
        program.chmod(0o755)
    assert command.run_parts(["-k", "agi"], tmp_path) == 1
    printed = capfd.readouterr().out
    assert "pytest got -k agi" in printed
    assert "✗ ruff check (exit code 1)" in printed
    assert "✓ pytest" in printed


@pytest.mark.parametrize(
    "fails", ["nothing", "tests/asterisk -m not seats", "tests/asterisk -m seats", "--ignore=tests/asterisk"]
)
def test_real_calls_and_all_other_tests_run_beside_each_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], fails: str
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("ruff", "mypy", "pytest"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} got $*\n[ "$*" != "{fails}" ]\n')
        program.chmod(0o755)
    failed = int(fails != "nothing")
    assert command.run_parts([], tmp_path) == failed
    printed = capfd.readouterr().out
    assert printed.count("pytest got") == 3
    assert printed.index("pytest got tests/asterisk -m not seats") < printed.index("pytest got --ignore=tests/asterisk")
    assert printed.count("✗ pytest") == failed
