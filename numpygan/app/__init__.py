"""What the commands of `numpygan.cli` share: run folders, training in them, what is typed and what is shown."""
