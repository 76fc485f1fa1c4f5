"""What a report says of the runs that a run took something from."""

from cifar_core.report.account import Account
from cifar_core.runs.family.joins import name_of
from cifar_core.runs.record.family.ancestors import CONTINUES, Ancestor


def origin(account: Account) -> str:
    """Say which run it trains on or starts from, and which it learns from; empty for none."""
    start, teachers = account.about.start, account.about.teachers
    sentences = []
    if start and start.how == CONTINUES:
        done = max(0, account.summary.epochs_done - int(start.epoch))
        planned = account.config.epochs - int(start.epoch)
        more = f"{done}" if done == planned else f"{done} of {planned}"
        sentences.append(
            f"Trained on from {titled(account, start)} ({counted(start.epoch)}) for {more} more."
        )
    elif start:
        sentences.append(f"Started from the weights of {of_epoch(account, start)}.")
    if teachers:
        names = " and ".join(of_epoch(account, teacher) for teacher in teachers)
        sentences.append(f"Learned from the predictions of {names} as well as from the labels.")
    return " ".join(sentences)


def counted(epochs: float) -> str:
    """Write a number of epochs, which is fractional in the middle of one."""
    return f"{epochs:.3g} epoch" + ("" if epochs == 1 else "s")


def of_epoch(account: Account, ancestor: Ancestor) -> str:
    """Name a run and the epoch that something was taken from."""
    return f"{titled(account, ancestor)}, epoch {ancestor.epoch:.3g}"


def titled(account: Account, ancestor: Ancestor) -> str:
    """Name a run by number and name; one from another store by its name alone."""
    number = name_of(ancestor, is_from_here=account.about.imported is None)
    return f"{number} {ancestor.name}" if number.startswith("#") else number
