"""What the files of an exported network say about it."""

from cifar_core.data.sizing import FIT, STRETCH, Sizing
from cifar_core.runs.record.run import Run
from cifar_core.timm_names import is_name


def input_words(run: Run) -> str:
    """Return what the network takes."""
    side = run.sizing.side
    return f"images [N, 3, {side}, {side}], RGB, values in [0, 1]"


README = """# {name}

A network that distinguishes {count} classes: {classes}.

    pip install torch torchvision safetensors pillow{more}
    python load_model.py picture.jpg

- `model.safetensors`: the weights. `model.json`: their network, classes and accuracy.
- `load_model.py`: builds the network and loads the weights; `from load_model import classes, load`.
- `cifar_core/`: the code of the networks.

Input: {input}; the network scales them itself.
{preprocessing}
Output: logits [N, {count}], in the order of the classes above.
"""


def readme(run: Run) -> str:
    """Return the README of the zip, as Markdown."""
    classes = run.environment.data.classes
    names = ", ".join(" ".join(name.split()) for name in classes)
    return README.format(
        name=" ".join(run.name.split()), count=len(classes), classes=names,
        input=input_words(run), preprocessing=preprocessing(run.sizing),
        more=" timm" if is_name(run.settings.get("model")) else "",
    )  # fmt: skip


def preprocessing(sizing: Sizing) -> str:
    """Say how a picture becomes what the network takes, as `load_model.py` does it."""
    side, stored = sizing.side, sizing.stored
    if sizing.fit == FIT:
        how = f"scaled so that its longer side has {side} pixels, and centered on black"
    elif sizing.fit == STRETCH:
        how = f"scaled to {side} x {side} pixels whatever its shape"
    elif sizing.is_wider:
        how = (
            f"its centered square is scaled to {stored} x {stored} pixels, of which the middle "
            f"{side} x {side} are taken"
        )
    else:
        how = f"its centered square is scaled to {side} x {side} pixels"
    return f"A picture becomes that so: {how} (bicubic, with antialiasing)."
