"""One file a version; none changes once it was released."""
