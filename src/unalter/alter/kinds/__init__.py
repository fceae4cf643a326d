"""One file for each kind of alteration; a new file is found by itself (see `catalogue`)."""
