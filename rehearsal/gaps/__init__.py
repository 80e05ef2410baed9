"""Properties that the emulator drops, applied through its APIs and read back."""
