"""Runs dbt, or the generator, as often as it is asked to, each time in a new process.

Such a process is forked from a server that has imported the program: a new Python takes two seconds
for dbt, and half a second for the generator. The server of dbt has parsed the project once, too;
from then on dbt parses in half the time. Nothing of one run is left for the next.

As a script, this file is what asks: `processes.py dbt build` is `dbt build`, and `processes.py
python` is Python, but for these programs. It imports nothing that takes time.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

# Names the folder that the processes of one test run have in common.
SHARED = "TESTS_SHARED_FOLDER"
# Names the process of the test run, which the servers do not outlive.
OWNER = "TESTS_PROCESS"
# dbt's static parser finds what Jinja finds, but shares work with threads that the server has
# started. A fork has none of them and would wait for ever.
WITHOUT_THREADS = {"DBT_STATIC_PARSER": "false"}

Command = Callable[[list[str]], None]


def address(program: str) -> str:
    """The path of the socket at which the server of a program listens."""
    return os.path.join(os.environ[SHARED], f"{program}-{os.environ[OWNER]}.socket")


def ask(
    program: str,
    arguments: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    streams: Sequence[int],
) -> int:
    """Run a program in a folder, with standard input, output and error; its exit code, or minus
    the signal that ended it."""
    request = {"arguments": arguments, "folder": folder, "environment": dict(environment)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address(program))
        socket.send_fds(connection, [b"."], streams)
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile() as answer:
            return int(answer.readline())


def serve(program: str, listener: socket.socket) -> None:
    """Answer what asks for a program, several at once, until the test run ends. The program is
    imported when it is first asked for."""
    command = None
    listener.settimeout(1)
    while is_alive(int(os.environ[OWNER])):
        with contextlib.suppress(TimeoutError):
            connection = listener.accept()[0]
            command = command or prepared(program)
            if not os.fork():
                listener.close()
                answer(connection, command)
                os._exit(0)
            connection.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def prepared(program: str) -> Command:
    """The command of a program that is imported. Its objects are searched for garbage no more."""
    command = {"dbt": dbt, "generator": generator}[program]()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    return command


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def answer(connection: socket.socket, command: Command) -> None:
    """Run what is asked for in a child, and say how that ended."""
    connection.setblocking(True)
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rw") as stream:
        request = json.loads(stream.readline())
        child = os.fork()
        if not child:
            connection.close()
            become(command, streams, **request)
        for descriptor in streams:
            os.close(descriptor)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=stream)


def become(
    command: Command,
    streams: list[int],
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
) -> None:
    """Become the program in a folder, with its own standard input, output and error."""
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    command(arguments)
    sys.exit()


def keep_templates() -> None:
    """Let Jinja parse and compile each text once for all runs: dbt asks for most texts several
    times in a run, and for the same ones in the next."""
    from jinja2 import Environment

    def remembering(method: Callable[..., Any]) -> Callable[..., Any]:
        made: dict[tuple, Any] = {}

        def remembered(environment: Environment, source: Any, *others: Any, **named: Any) -> Any:
            if others or named or not isinstance(source, str):
                return method(environment, source, *others, **named)
            key = (type(environment), tuple(environment.extensions), source)
            if key not in made:
                made[key] = method(environment, source)
            return made[key]

        return remembered

    for name in ("parse", "compile"):
        setattr(Environment, name, remembering(getattr(Environment, name)))


def dbt() -> Command:
    """The command `dbt`, after it has parsed the project in the current folder."""
    import dbt.adapters.duckdb.impl  # noqa: F401
    from dbt.cli.main import cli, dbtRunner

    keep_templates()

    def command(arguments: list[str]) -> None:
        os.environ |= WITHOUT_THREADS
        sys.argv = ["dbt", *arguments]
        cli(prog_name="dbt")

    os.environ |= WITHOUT_THREADS
    dbtRunner().invoke(["parse", "--quiet"])
    return command


def generator() -> Command:
    """The command `python -m generator`. What it starts by the name of this Python comes here."""
    sys.executable = os.path.join(os.environ[SHARED], "bin", "python")
    import generator.__main__ as main
    from generator.extras import do_without_pandas

    do_without_pandas()
    import_module("tests.reliability.child")

    def command(arguments: list[str]) -> None:
        sys.modules["__main__"] = main
        sys.argv = [str(main.__file__), *arguments]
        main.run()

    return command


def become_client(program: str, *arguments: str) -> None:
    """Become a program, or Python where that is asked for and the program is none of these."""
    if program == "python":
        if arguments[:2] == ("-m", "generator"):
            program, arguments = "generator", arguments[2:]
        elif arguments[0] == "-c" and "from dbt.cli.main import cli" in arguments[1]:
            program, arguments = "dbt", arguments[2:]
        else:
            os.execv(sys.executable, [sys.executable, *arguments])
    code = ask(program, arguments, os.getcwd(), os.environ, (0, 1, 2))
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    become_client(*sys.argv[1:])
