"""Cinder in memory."""

from tests.fakes.volume.records import Snapshot as Snapshot
from tests.fakes.volume.records import Volume as Volume
from tests.fakes.volume.service import BlockStorage as BlockStorage
