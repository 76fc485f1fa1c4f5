"""Every error this package raises on purpose.

CifarError                 anything the user can fix; its message can be shown on the page
  UnknownKeyError          a name that no registry has
  ConfigError              one or more settings out of range; lists all of them at once
  DeviceError              a device that this machine does not have, or cannot use
    OutOfServiceError      a device that does not work now; runs wait for it
  DataError                a dataset that is missing, damaged or not what it claims to be
  WeightsError             pretrained weights that are missing, damaged or of another network
  ImageError               an uploaded file that is not a picture, or is too large to open safely
  TrainingDivergedError    the loss stopped being a number
  RunError                 a run that does not exist, or is not in a state for the action
  BusyError                more background jobs than a store or a person may have, or no free GPU
  ChangedMeanwhileError    a text that another person has changed since it was opened
  AccessError              an action that the person is not allowed to do
  ExplanationError         a saliency method that does not suit the network
  QueryError               a filter that cannot be understood
  ArchiveError             a zip of a run that is damaged, or has files that no run has
  CheckpointError          saved weights that are missing, damaged or of another network
  NotificationError        an address for messages that does not exist or is set up wrongly
  OutputError              a file on a path that a person named cannot be written
  DiskFullError            not enough room on the disk to save something
"""


class CifarError(Exception):
    """Something the user can fix. str(error) is a complete sentence that says how.

    It can be shown and saved, even if it quotes a name from the disk that is not UTF-8.
    """

    def __str__(self) -> str:
        return super().__str__().encode("utf-8", "replace").decode("utf-8")


class UnknownKeyError(CifarError):
    """A name that the registry it was looked up in does not have."""


class ConfigError(CifarError):
    """Settings that cannot train. `problems` maps each field to the sentence about it."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems.values()))


class DeviceError(CifarError):
    """A requested device is not on this machine, or cannot be used; says why."""


class OutOfServiceError(DeviceError):
    """A requested device does not work now, or others use it; runs wait for it."""


class DataError(CifarError):
    """A dataset is missing, damaged or not what it claims to be; names file and remedy."""


class WeightsError(CifarError):
    """Pretrained weights are missing, damaged or of another network; names file and remedy."""


class ImageError(CifarError):
    """An uploaded file cannot be opened as a picture within the limits."""


class TrainingDivergedError(CifarError):
    """The loss became NaN or infinite at `step`, so further steps would only waste time."""

    def __init__(self, message: str, step: int = 0) -> None:
        self.step = step  # 0 if it is not known
        super().__init__(message)


class RunError(CifarError):
    """A run does not exist, or is not in a state that allows the action."""


class BusyError(CifarError):
    """A store or a person has as many background jobs as are allowed, or no GPU is free."""


class ChangedMeanwhileError(CifarError):
    """Another person saved another text since this one was opened; nothing was written."""

    def __init__(self, what: str, *, mine: str, theirs: str) -> None:
        self.what, self.mine, self.theirs = what, mine, theirs
        super().__init__(
            f"Someone has changed {what} since you opened it. Your text is not saved yet: "
            "keep yours, theirs or both."
        )


class AccessError(CifarError):
    """A person's role does not allow an action, or the run belongs to someone else."""


class ExplanationError(CifarError):
    """A saliency method does not suit the network."""


class QueryError(CifarError):
    """A filter of the runs cannot be understood; names the word and what it should be."""


class ArchiveError(CifarError):
    """A zip of a run is damaged, too large, or has files that no run has."""


class CheckpointError(CifarError):
    """Saved weights are missing, damaged or belong to another network."""


class NotificationError(CifarError):
    """An address for messages does not exist, may not be used or is set up wrongly; never says
    what its secret parts are."""


class OutputError(CifarError):
    """A file cannot be written on a path that a person named; an earlier one is unchanged."""


class DiskFullError(CifarError, OSError):
    """The disk has no room for something. `needed` and `free` are in bytes."""

    def __init__(self, what: str, needed: int, free: int) -> None:
        self.what, self.needed, self.free = what, needed, free
        super().__init__(
            f"There is no room on the disk: {what} needs {needed / 1e6:,.1f} MB, but only "
            f"{free / 1e6:,.1f} MB are free. Free some space, for example by deleting "
            "runs and then emptying the trash."
        )
