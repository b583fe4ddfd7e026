"""`python -m generator`."""

import os

from generator.interruption import interruptible


def run() -> None:
    """Load the command line, which takes half a second, and run it."""
    # Threads for linear algebra wait busily, and no matrix here is large enough for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # One allocator for numpy and Arrow: what one has freed, the other can take.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    interruptible(_command_line)


def _command_line() -> None:
    from generator.cli.app import main

    main()


if __name__ == "__main__":
    run()
