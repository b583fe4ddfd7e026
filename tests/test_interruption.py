"""A run that is asked to stop stops with one line, and leaves the old data or the new, whole."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time

import pytest

from tests.reliability.commands import INTERRUPTED, SECONDS_TO_STOP
from tests.sinks.test_duckdb import OTHER, SMOKE, content, land
from tests.support.project import ROOT


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_an_interrupted_run_ends_with_one_line_and_whole_data(cwd, number) -> None:
    took = []
    for delay in (0.8, 1.2):
        land(SMOKE, cwd / "a.duckdb")
        land(OTHER, cwd / "b.duckdb")
        old, new = content(cwd / "a.duckdb"), content(cwd / "b.duckdb")
        command = ["-m", "generator", "generate", "smoke", "--seed", "8", "--replace"]
        command += ["--database", "a.duckdb"]
        run = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(delay)
        run.send_signal(number)
        asked = time.monotonic()
        _, said = run.communicate(timeout=60)
        took.append(time.monotonic() - asked)
        if run.returncode == 130:
            assert said == INTERRUPTED
        else:
            # The run was over, or the interpreter was on its way in or out.
            assert run.returncode in (0, -number)
        assert content(cwd / "a.duckdb") in (old, new)
    assert statistics.median_low(took) < SECONDS_TO_STOP


def test_an_interruption_in_the_middle_of_the_work_is_exit_code_130(cwd) -> None:
    script = (
        "import os, signal; from generator.interruption import interruptible\n"
        "def command():\n"
        "    from generator.cli.app import main\n"
        "    from generator.pipeline import run\n"
        "    whole = run.pieces\n"
        "    def stopped(*arguments):\n"
        "        yield from list(whole(*arguments))[:2]\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    run.pieces = stopped\n"
        "    main(['generate', 'smoke', '--database', 'new.duckdb'])\n"
        "interruptible(command)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 130
    assert result.stderr == INTERRUPTED
    assert list(cwd.iterdir()) == []


def test_an_interruption_that_python_drops_comes_again() -> None:
    """What is raised in a `__del__` goes nowhere: the run would go on as if without a signal."""
    script = (
        "import os, signal, time; from generator.interruption import interruptible\n"
        "class Dropping:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "def command():\n"
        "    Dropping()\n"
        "    time.sleep(60)\n"
        "interruptible(command)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 130
    assert result.stderr == INTERRUPTED


# A signal that comes from C, at a moment at which Python does not look for one.
FROM_C = (
    "import ctypes, time; from generator.interruption import interruptible\n"
    "from ctypes import c_char_p, c_void_p, py_object, pythonapi\n"
    "capsule = pythonapi.PyCapsule_New\n"
    "capsule.restype, capsule.argtypes = py_object, (c_void_p, c_char_p, c_void_p)\n"
    "when_deleted = ctypes.cast(pythonapi.PyErr_SetInterrupt, c_void_p)\n"
)


def of_script(script: str) -> subprocess.CompletedProcess[str]:
    """What a Python script comes to."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def interrupted(script: str) -> str:
    """What a script has printed that a signal from C has ended, with one line."""
    result = of_script(FROM_C + script)
    assert (result.returncode, result.stderr) == (130, INTERRUPTED)
    return result.stdout


def test_an_interruption_as_the_command_ends_is_no_traceback() -> None:
    """It is heard when there is no step of the command left."""
    interrupted(
        "def command():\n"
        "    over, signals = SystemExit(0), capsule(1, None, when_deleted)\n"
        "    del signals\n"
        "    raise over\n"
        "interruptible(command)\n"
    )


def test_an_interruption_on_the_way_into_an_exit_lets_it_close() -> None:
    """Python calls `__exit__` once: what it has to close would stay open."""
    printed = interrupted(
        "class Open:\n"
        "    def __enter__(self):\n"
        "        return self\n"
        "    def __exit__(self, *error):\n"
        "        print('closed')\n"
        "def command():\n"
        "    signals = capsule(1, None, when_deleted)\n"
        "    with Open():\n"
        "        del signals\n"
        "    time.sleep(60)\n"
        "interruptible(command)\n"
    )
    assert printed == "closed\n"


def test_an_interruption_that_an_import_takes_for_an_error_is_one_line() -> None:
    """A module in C that is interrupted as it starts raises an ImportError of its own."""
    result = of_script(
        "import signal, sys; from generator.__main__ import run\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'generator.cli.app':\n"
        "            try:\n"
        "                signal.raise_signal(signal.SIGTERM)\n"
        "            except BaseException:\n"
        "                raise ImportError('failed to import')\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "run()\n"
    )
    assert (result.returncode, result.stderr) == (130, INTERRUPTED)


def test_an_interruption_while_a_module_in_c_starts_waits_for_its_end() -> None:
    """DuckDB's module makes enums as it starts, and aborts the process if one of them raises."""
    printed = interrupted(
        "import enum, signal, sys\n"
        "def interrupting(*arguments, **options):\n"
        "    if 'duckdb' in sys.modules:\n"
        "        enum.EnumType.__call__ = usual\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    return usual(*arguments, **options)\n"
        "def command():\n"
        "    import duckdb\n"
        "    print('loaded', flush=True)\n"
        "    time.sleep(60)\n"
        "usual, enum.EnumType.__call__ = enum.EnumType.__call__, interrupting\n"
        "interruptible(command)\n"
    )
    assert printed in ("", "loaded\n")


def test_a_library_that_crashes_at_the_exit_does_not_after_an_interruption() -> None:
    """DuckDB does after an interrupted import: what C calls at the exit finds no interpreter."""
    printed = interrupted(
        "import atexit, signal\n"
        "def command():\n"
        "    atexit.register(print, 'cleared up')\n"
        "    library = ctypes.CDLL(None)\n"
        "    library.on_exit(library.abort, None)\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "interruptible(command)\n"
    )
    assert printed == "cleared up\n"


def test_nohup_keeps_a_closed_terminal_from_ending_a_command() -> None:
    script = (
        "import signal; from generator.interruption import interruptible\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "def command():\n"
        "    signal.raise_signal(signal.SIGHUP)\n"
        "    print('done')\n"
        "interruptible(command)\n"
    )
    result = of_script(script)
    assert (result.returncode, result.stdout) == (0, "done\n")
