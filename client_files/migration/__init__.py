"""Migration of client files of the system that was deployed by hand."""
