"""Client files as text that is edited in place."""

from client_files.text.editable import EditableText
from client_files.text.entries import Flow, Quoted

__all__ = ["EditableText", "Flow", "Quoted"]
