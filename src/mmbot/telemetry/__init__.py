"""What the program tells about itself: structured logs."""
