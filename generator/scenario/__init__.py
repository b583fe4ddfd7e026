"""What is bought: YAML files become validated scenarios, and mistakes become sentences.

`yaml_file` reads and merges files and remembers where each key stood; `models` says what a file may
hold; `templates` finds files by name. Nothing here makes up a value.
"""
