"""Documents from files: whatever was saved before, taken into the same archive."""

from catalog.importing.files import Piece, Skipped, pieces
from catalog.importing.importer import Imported, Importer

__all__ = ["Imported", "Importer", "Piece", "Skipped", "pieces"]
