"""A zlib stream inside a file, inflated as it is read."""

import zlib
from typing import IO

BLOCK = 2**16


class Inflated:
    """The contents of a zlib stream of `size` bytes, from the file's position on."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left = file, size
        self.inflate = zlib.decompressobj()
        self.ready = b""

    def read(self, size: int) -> bytes:
        """Return at most this many bytes; fewer only at the end."""
        pieces, missing = [self.ready[:size]], size - len(self.ready[:size])
        self.ready = self.ready[size:]
        while missing and not self.inflate.eof:
            data = self.inflate.unconsumed_tail
            if not data:
                data = self.file.read(min(BLOCK, self.left))
                self.left -= len(data)
            if not data:
                break
            piece = self.inflate.decompress(data, missing)
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def seek(self, distance: int, whence: int) -> None:
        """Go forward by `distance` bytes; `whence` is 1, from the current position."""
        assert whence == 1
        while distance:
            skipped = len(self.read(min(distance, 2**20)))
            distance = distance - skipped if skipped else 0
