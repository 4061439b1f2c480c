"""`mmbot doctor`: one finding a check, with what is to be done about it."""
