"""The command-line programs of those who run the top."""
