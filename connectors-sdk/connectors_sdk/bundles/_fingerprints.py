"""Which objects were seen, and in which versions, in little memory: 12 to 36 bytes for each.

A dictionary of Python's own would take about 120, a set of ids 200; an import of a million objects keeps several.
"""

from array import array

_MASK = (1 << 64) - 1
_SMALLEST = 1024


class Fingerprints:
    """Maps ids to versions, as hashes of 64 and 32 bits: of 10^19 pairs of ids one is taken for the same.

    A new version is taken for the old one, and not sent again, once in 10^9 changes.
    """

    def __init__(self, with_versions: bool = True) -> None:
        """Begin empty.

        Args:
            with_versions: whether versions are noted; without them two thirds of the memory do.
        """
        self._count = 0
        self._with_versions = with_versions
        self._keys = array("Q", bytes(8 * _SMALLEST))
        self._versions = self._empty_versions(_SMALLEST)

    def __len__(self) -> int:
        """Number of ids."""
        return self._count

    def __contains__(self, stix_id: str) -> bool:
        """Whether an id was noted."""
        return self._keys[self._slot(_key(stix_id))] != 0

    def note(self, stix_id: str, data: bytes = b"") -> None:
        """Note the version of an object that was seen last.

        Args:
            stix_id: its id.
            data: its bytes; nothing, where only the id matters.
        """
        key = _key(stix_id)
        slot = self._slot(key)
        if not self._keys[slot]:
            self._keys[slot] = key
            self._count += 1
        if self._with_versions:
            self._versions[slot] = _version(data)
        # Beyond that, looking takes long.
        if 3 * self._count > 2 * len(self._keys):
            self._grow()

    def knows(self, stix_id: str, data: bytes) -> bool:
        """Whether this version of an object is the one that was noted last."""
        slot = self._slot(_key(stix_id))
        return self._keys[slot] != 0 and self._versions[slot] == _version(data)

    def _slot(self, key: int) -> int:
        """Return where an id is, or would be."""
        keys = self._keys
        last = len(keys) - 1
        slot = key & last
        while keys[slot] not in (0, key):
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        keys, versions = self._keys, self._versions
        self._keys = array("Q", bytes(16 * len(keys)))
        self._versions = self._empty_versions(2 * len(keys))
        for place, key in enumerate(keys):
            if key:
                slot = self._slot(key)
                self._keys[slot] = key
                if self._with_versions:
                    self._versions[slot] = versions[place]

    def _empty_versions(self, size: int) -> "array[int]":
        return array("I", bytes(4 * size) if self._with_versions else b"")


def _key(stix_id: str) -> int:
    # Zero marks an empty place.
    return hash(stix_id) & _MASK or 1


def _version(data: bytes) -> int:
    return hash(data) & 0xFFFFFFFF
