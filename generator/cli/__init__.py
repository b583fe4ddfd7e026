"""The command line: options and arguments in, results out; `app` declares the commands."""
