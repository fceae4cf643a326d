"""3D maps of the codes of a whole data set: points that can be compared, PNG, and a page to move about in."""
