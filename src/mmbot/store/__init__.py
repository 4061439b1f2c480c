"""Everything that is kept on disk: artifacts and snapshots by one writer, journals by another."""
