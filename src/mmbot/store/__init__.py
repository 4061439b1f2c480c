"""Everything that is kept on disk: artifacts, written by one writer."""
