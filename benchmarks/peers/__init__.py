"""What the generator is compared with. Each script runs in a separate environment, which has
`requirements.txt` and nothing of this project, and takes the folder that it writes to."""
