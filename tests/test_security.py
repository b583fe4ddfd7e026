"""What is let in and what is let out: no code and no SQL from input, no way out of a folder, no
server for strangers, no password in print, and requirements that are what they were."""

from __future__ import annotations

import ast
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from generator.masking import mask, without_secrets_of
from generator.scenario.errors import InputError
from generator.scenario.kinds import TemplateKind
from generator.scenario.templates import Library
from generator.sinks.errors import DestinationError
from generator.sinks.postgresql import PostgresqlSink
from tests.support.project import ROOT

PACKAGE = sorted((ROOT / "generator").rglob("*.py"))
TREES = {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text()) for file in PACKAGE}

# Modules and functions that make code, objects or processes of what they read. What hands the
# project's work to its processes may pickle it: `multiprocessing` does, and Spark. The module of a
# sink, of an engine or of the Python door is loaded by a name out of a table, and dbt is a process.
FORBIDDEN_MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "subprocess",
    "code",
    "pty",
}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "os.execvp",
    "os.spawnv", "os.startfile", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load",
    "yaml.Loader", "yaml.FullLoader", "yaml.UnsafeLoader", "importlib.import_module",
}  # fmt: skip


OWN_WORK = {
    "generator/__init__.py": {"importlib.import_module"},
    "generator/cli/dbt.py": {"importlib.import_module", "subprocess"},
    "generator/engines/__init__.py": {"importlib.import_module"},
    "generator/engines/local.py": {"pickle"},
    "generator/engines/shared.py": {"pickle"},
    "generator/engines/spark.py": {"pickle"},
    "generator/sinks/target.py": {"importlib.import_module"},
}


def dotted(node: ast.expr) -> str:
    """A dotted name, `os.system`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def dangers(tree: ast.AST) -> Iterator[str]:
    """What makes code, objects or processes of what it reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute | ast.Name):
            names = [dotted(node)] if dotted(node) in FORBIDDEN_CALLS else []
        else:
            continue
        yield from (
            name
            for name in names
            if name.split(".")[0] in FORBIDDEN_MODULES or name in FORBIDDEN_CALLS
        )


@pytest.mark.parametrize("file", TREES)
def test_nothing_that_is_read_is_run(file: str) -> None:
    assert set(dangers(TREES[file])) == OWN_WORK.get(file, set())


@pytest.mark.parametrize(
    "text",
    ["eval(x)", "import pickle", "from pickle import loads", "os.system(x)", "yaml.load(x)",
     "import subprocess", "from os import system", "from yaml import unsafe_load", "f = exec"],
)  # fmt: skip
def test_what_runs_what_is_read_would_be_seen(text: str) -> None:
    assert list(dangers(ast.parse(text)))


# What makes a part of an SQL statement that is safe for any content.
QUOTING = {"quote", "literal", "sql_name", "_name", "int", "create_table"}
STATEMENT = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|TRUNCATE|ALTER|COPY|ATTACH|DESCRIBE|FROM)\b[\s{]"
)


def unquoted(function: ast.AST) -> Iterator[str]:
    """What a function writes into SQL statements and is neither quoted nor a whole number.

    A name is as good as what is assigned to it in the function; a parameter of a private function
    is its callers' to quote.
    """
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else ()
        for target in targets:
            if isinstance(target, ast.Name):
                assigned.setdefault(target.id, []).append(node.value)

    def is_quoted(node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.IfExp):
            return is_quoted(node.body) and is_quoted(node.orelse)
        if isinstance(node, ast.JoinedStr):
            return all(
                is_quoted(part.value)
                for part in node.values
                if isinstance(part, ast.FormattedValue)
            )
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in QUOTING:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            (inner,) = node.args if node.func.attr == "join" else (None,)
            return isinstance(inner, ast.GeneratorExp) and is_quoted(inner.elt)
        if isinstance(node, ast.Name) and node.id in assigned:
            return all(is_quoted(value) for value in assigned[node.id])
        name = getattr(function, "name", "")
        return isinstance(node, ast.Name) and name.startswith("_")

    for node in ast.walk(function):
        if isinstance(node, ast.JoinedStr) and STATEMENT.match(ast.unparse(node)[2:].strip("'\"")):
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and not is_quoted(part.value):
                    yield ast.unparse(part.value)


def functions(tree: ast.AST) -> list[ast.AST]:
    """All functions but those that do the quoting."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [function for function in found if function.name not in QUOTING]


@pytest.mark.parametrize("file", [file for file in TREES if "/sinks/" in file])
def test_identifiers_in_sql_are_quoted_and_values_bound(file: str) -> None:
    assert [name for function in functions(TREES[file]) for name in unquoted(function)] == []


@pytest.mark.parametrize(
    "text",
    ["f'SELECT * FROM raw.x WHERE name = {name}'", "f'DROP TABLE {row.name}'",
     "f'DELETE FROM {quoted(table)} WHERE id = {text.strip()}'"],
)  # fmt: skip
def test_an_unquoted_value_in_sql_would_be_seen(text: str) -> None:
    (function,) = functions(ast.parse(f"def read(name): return {text}"))
    assert list(unquoted(function))


OUTSIDE = [
    "../secret", "../../secret", "../secret.yml", "/etc/passwd", "secret\n", "./secret", "..", ".",
    "", "~/secret", "secret\x00", "secret/../secret", "profiles/x", "%2e%2e/secret", "..\\secret",
    "{path}",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_of_a_template_leads_to_no_other_folder(tmp_path: Path, name: str) -> None:
    """A scenario that is valid lies beside the folder of templates; no name gets there."""
    folder = tmp_path / "mine" / "profiles"
    folder.mkdir(parents=True)
    secret = "extends: small_two_weeks\nname: secret\n"
    for place in (tmp_path, tmp_path / "mine"):
        (place / "secret.yml").write_text(secret)
    name = name.replace("{path}", str(tmp_path / "secret.yml"))
    library = Library(tmp_path / "mine")
    for kind in TemplateKind:
        with pytest.raises(InputError):
            library.document(kind, name)
    for key, text in (
        ("extends", {"extends": name, "name": "leak"}),
        ("workflow", {"name": "w", "description": "d", "seed": 1, "as_of": "2026-01-01",
                      "profiles": [name]}),
    ):  # fmt: skip
        file = folder / f"{key}.yml"
        file.write_text(yaml.safe_dump(text).replace("'2026-01-01'", "2026-01-01"))
        with pytest.raises(InputError):
            library.dataset(str(file))


def test_servers_listen_to_this_machine_only() -> None:
    shown = subprocess.run(
        ["make", "--dry-run", "--always-make", "serve-docs"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "dbt docs serve --host 127.0.0.1 " in shown
    everywhere = re.compile(r"0\.0\.0\.0|\[::\]|INADDR_ANY")
    files = [*PACKAGE, ROOT / "Makefile", *(ROOT / "docs").glob("*.md")]
    assert [str(file) for file in files if everywhere.search(file.read_text())] == []


SECRET = "p4ss:w/rd"
ADDRESSES = [
    f"postgresql://ads:{SECRET}@db.example/ads",
    f"postgres://ads:{SECRET}@db.example:5432/ads?sslmode=require",
    f"postgresql:///ads?host=/run&user=ads&password={SECRET}",
    f"postgresql://db.example/ads?PASSWORD={SECRET}&sslmode=require",
    f"host=db.example password='{SECRET}' dbname=ads",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_password_is_masked_and_nothing_else(address: str) -> None:
    assert mask(address).replace("***", SECRET) == address.replace("'", "")
    assert mask(f"before {address}, after").startswith("before ")


@pytest.mark.parametrize(
    "text",
    ["x", "a-", "password", "token= ", "a.b@", "://", "s3://b?token=x&", "'", "=", '"a"'],
    ids=repr,
)
def test_a_long_text_is_masked_in_a_time_that_its_length_asks(text: str) -> None:
    """Shorter by far than a search that starts again at each letter takes."""
    text = text * (200_000 // len(text))
    started = time.process_time()
    mask(text)
    without_secrets_of("postgresql://ads:secret@db.example/ads", text)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("long.yml", f"name: {'y' * 60_000}"),
        ("long.yml", f"? {'y' * 60_000}\n: 1"),
        ("quotes.json", '{"a": "' + r"\"" * 200_000),
    ],
    ids=["value", "key", "quotes"],
)
def test_a_file_of_long_words_is_refused_at_once(cwd, run, name: str, text: str) -> None:
    (cwd / name).write_text(text)
    started = time.process_time()
    assert run("validate", name).code == 2
    assert run("generate", "smoke", "--set", f"campaign.name={text[:100_000]}").code == 2
    assert time.process_time() - started < 4


SECRETS = [
    "s3://AKIA:abc/SECRET@bucket/p", "s3://SECRET@bucket/p", "s3://key:SEC?RET@bucket/p",
    "s3://bucket/p?secret_key=SECRET&region=eu", "s3://bucket/p?access_key=k&session_token=SECRET",
    "s3://bucket/p?anything=SECRET", "s3://bucket/p?anything=S@ECRET", "s3://bucket/p#SECRET",
    "parquet:s3://key:SECRET@bucket/p", "s3://key:SECRET@[bucket/p", "S3://key:SECRET@bucket/p",
    "postgresql://me@server:SECRET@host/db", "postgresql://me:SECRET@server:SECRET@host/db",
    "postgresql://me:SEC RET@host/db", "postgresql://me:SEC#RET@host/db",
    "postgresql://me:SEC?RET@host/db", "postgresql://:SECRET@host/db", "postgresql://me:SECRET@",
    "postgresql://me:SECRET@[::1/db", "postgresql://host/db?password=SECRET",
    "postgresql://host/db?sslpassword=SECRET", "postgresql://host/db?PassWord=SECRET",
    "postgresql://host/db?passwd=SECRET", "postgresql://host/db?unknown=SECRET",
    "mysql://root:SECRET@host/db", "https://SECRET@host/db", "postgres://me:%53SECRET@host/db",
    "host=h password=SECRET", "host=h password='SEC RET'", "host=h password = 'SEC\\' RET'",
    "me:SECRET@host/db", "postgresql:me:SECRET@host/db", "jdbc:postgresql://me:SECRET@host/db",
]  # fmt: skip


@pytest.mark.parametrize("address", SECRETS)
@pytest.mark.parametrize("command", [("status", "--config"), ("status",), ("init-db",)])
def test_no_secret_of_an_address_is_printed(cwd, run, address: str, command) -> None:
    answer = run(*command, "--to", address, "--verbose")
    printed = answer.out + answer.err
    assert not re.search("SECRET|SEC|RET|ECRET", printed), printed
    assert address.partition("://")[0].partition(":")[0].lower()[:4] in printed.lower()


@pytest.mark.parametrize("text", ["data/ads.duckdb", "duckdb:a@b.duckdb", "postgresql://h:5/d"])
def test_what_holds_no_password_is_shown_as_it_is(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("address", ADDRESSES[:4])
@pytest.mark.parametrize(
    "command", [("status",), ("generate", "smoke"), ("init-db",), ("status", "--config", "--json")]
)
@pytest.mark.parametrize("way", ["option", "environment", "file"])
def test_no_command_prints_a_password(cwd, run, monkeypatch, address, command, way) -> None:
    arguments = command
    if way == "option":
        arguments = (*command, "--to", address)
    elif way == "environment":
        monkeypatch.setenv("ADS_DATABASE", address)
    else:
        (cwd / "ads.yml").write_text(yaml.safe_dump({"database": address}))
    answer = run(*arguments, "--verbose")
    assert ("***" in answer.out + answer.err) or command == ("generate", "smoke")
    assert SECRET not in answer.out + answer.err


def test_a_password_too_long_to_be_valid_is_not_printed_either(cwd, run) -> None:
    answer = run("status", "--to", f"postgresql://ads:{SECRET}@db.example/{'x' * 255}")
    assert answer.code == 2
    assert SECRET not in answer.err


@pytest.mark.parametrize(
    "uri",
    ["postgresql://ads:s3cretpw@[::1/db", "postgresql://ads:s3%zzcretpw@localhost/db",
     "postgresql://ads:s3c/retpw@localhost/db", "postgresql://ads:s3cretpw@localhost:1/db",
     "postgresql://localhost:1/db?password=s3cretpw&x"],
)  # fmt: skip
def test_what_the_driver_says_holds_no_password(uri: str) -> None:
    """Libpq repeats an address that it cannot read, and parts of it."""
    with pytest.raises(DestinationError) as error, PostgresqlSink(uri, ()):
        pass
    assert "s3c" not in str(error.value)
    assert "cretpw" not in str(error.value)


def test_a_password_written_in_another_form_is_masked_too() -> None:
    said = without_secrets_of("postgresql://ads:a%2Fb%20c@h/d", 'no user "ads" with "a/b c" at h')
    assert said == 'no user "ads" with "***" at h'


def locked() -> dict[str, tuple[str, int, set[str]]]:
    """Of each locked requirement its version, how many hashes it has, and its extras."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    found: dict[str, tuple[str, int, set[str]]] = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement = Requirement(line.split(" --hash")[0])
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            hashes = line.count("--hash=sha256:")
            found[requirement.name.lower()] = specifier.version, hashes, requirement.extras
    return found


def test_the_lock_is_in_step_with_the_requirements() -> None:
    """`make lock` writes it again."""
    have = locked()
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            wanted = Requirement(line)
            version, *_ = have[wanted.name.lower()]
            assert version in wanted.specifier, f"{wanted} is locked at {version}: make lock"
    assert all(hashes for _, hashes, _ in have.values())
    assert len(have) > 50


def test_the_lock_names_the_extras_that_are_asked_for() -> None:
    """Without them some versions of pip refuse the lock: for what is asked for with an extra they
    look for another version, and it has no hash."""
    have = locked()
    asked = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "[" in line]
    for name in have:
        with suppress(PackageNotFoundError):
            asked += [line for line in requires(name) or () if "[" in line and "extra" not in line]
    wanted = [Requirement(line) for line in asked]
    assert {"moto", "mashumaro"} <= {requirement.name for requirement in wanted}
    assert [
        str(requirement)
        for requirement in wanted
        if not requirement.extras <= have[requirement.name.lower()][2]
    ] == []
