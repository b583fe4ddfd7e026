"""What the generator is compared with. Each script runs in an environment of its own, which has
`requirements.txt` and nothing of this project, and takes the folder that it writes to."""
