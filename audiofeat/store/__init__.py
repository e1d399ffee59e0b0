"""Feature stores: a folder of memory-mapped shards, and a ledger that knows what is in them."""

from audiofeat.store.errors import StoreError
from audiofeat.store.maintenance import compact_store, merge_stores
from audiofeat.store.reading import Store, open_store
from audiofeat.store.schema import Schema
from audiofeat.store.writing import StoreWriter

__all__ = ["Schema", "Store", "StoreError", "StoreWriter", "compact_store", "merge_stores", "open_store"]
