"""`python -m generator`."""

import os
import sys

from generator.cli import failures, streams
from generator.extras import do_without_pandas
from generator.interruption import interruptible, was_asked


def run() -> None:
    """Load the command line and run it."""
    # Threads for linear algebra wait busily, and no matrix here is large enough for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # One allocator for numpy and Arrow: what one has freed, the other can take.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    do_without_pandas()
    streams.install()
    interruptible(_command_line)


def _command_line() -> None:
    try:
        from generator.cli.app import main
    except Exception as error:
        if not was_asked():
            print(f"error: {failures.sentence(error)}", file=sys.stderr)
        raise SystemExit(1) from None
    main()


if __name__ == "__main__":
    run()
