"""The ways to make a square of a picture that is none."""

from cifar_core.registry import Option, Registry

CROP, FIT, STRETCH = "crop", "fit", "stretch"
FITS = Registry(
    "way to make images square",
    [
        Option(
            key=CROP,
            title="Crop the center",
            summary="The centered square is kept; what lies beside it is cut off.",
        ),
        Option(
            key=FIT,
            title="Fit with borders",
            summary="The whole picture is kept, with black borders on two sides.",
        ),
        Option(
            key=STRETCH,
            title="Stretch",
            summary="The whole picture is kept, squeezed along its longer side.",
        ),
    ],
)
