"""`python -m generator`."""

from generator.interruption import interruptible


def run() -> None:
    """Load the command line, which takes half a second, and run it."""
    with interruptible():
        from generator.cli import main

        main()


if __name__ == "__main__":
    run()
