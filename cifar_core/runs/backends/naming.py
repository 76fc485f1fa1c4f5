"""The name of an attempt's job, kept in its attempt.json, by which any executor finds it again."""

import secrets


def new_job_name(run: str, attempt: int) -> str:
    """Return a name for an attempt's job that no other job of a cluster has.

    It does not follow from the store's path, which is another one under another mount or link, and
    the same one in two containers.
    """
    return f"cifar-{secrets.token_hex(4)}-{run}-a{attempt}"
