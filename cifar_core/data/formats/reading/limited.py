"""A file that never reads more than it has, so that a claimed length takes no memory."""

from typing import IO


class Limited:
    """A file that refuses to read more at once than is left, whatever a length in it claims."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.left = file.seek(0, 2)
        file.seek(0)

    def read(self, size: int) -> bytes:
        """Read exactly this many bytes."""
        if not 0 <= size <= self.left:
            raise ValueError("it ends too early")
        self.left -= size
        return self.file.read(size)

    def readline(self) -> bytes:
        """Read to the end of the line."""
        line = self.file.readline()
        self.left -= len(line)
        return line

    def tell(self) -> int:
        """Return the position."""
        return self.file.tell()
