"""Review of a change before it is merged: golden templates, settings and client files of two commits, in words."""
