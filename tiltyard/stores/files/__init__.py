"""Files: immutable files, Parquet tables, the pool, the landing zone and caches, on a local disk."""

from tiltyard.stores.files.cache import FileCache
from tiltyard.stores.files.landing import FolderObjects
from tiltyard.stores.files.local import Files, FileStore
from tiltyard.stores.files.parquet import ParquetStore
from tiltyard.stores.files.pool import Pool
from tiltyard.stores.files.skipped_objects import SkippedObject

__all__ = ["FileCache", "FileStore", "Files", "FolderObjects", "ParquetStore", "Pool", "SkippedObject"]
