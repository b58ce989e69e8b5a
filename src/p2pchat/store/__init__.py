"""What lives on disk: the profile folder with its lock, and the key file."""
