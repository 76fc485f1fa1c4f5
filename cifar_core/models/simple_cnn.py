"""The baseline: three convolution blocks and one linear layer."""

from torch import Tensor, nn

from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import PLAIN_STEMS, halving_convs


class SimpleCNN(nn.Module):
    """Three conv blocks, each halving the image, then global average pooling.

    N images, C channels, H = W pixels, K classes. Images of 56 pixels and more are halved before.
    """

    def __init__(
        self, num_classes: int, *, side: int = 32, width: int = 32, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stem = halving_convs(side, width)
        self.block1 = conv_block(width if self.stem else 3, width)  # [N, C, H / 2, W / 2]
        self.block2 = conv_block(width, 2 * width)  # [N, 2C, H / 4, W / 4]
        self.block3 = conv_block(2 * width, 4 * width)  # [N, 4C, H / 8, W / 8]
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(4 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W] in [0, 1] to logits [N, K]."""
        x = images * 4 - 2  # about zero mean and unit spread; every model scales its own input
        if self.stem is not None:
            x = self.stem(x)
        x = self.block3(self.block2(self.block1(x)))
        x = x.mean(dim=(2, 3))  # [N, 4C]
        logits: Tensor = self.head(self.dropout(x))
        return logits


def conv_block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Convolve, normalize, halve the resolution and activate.

    Pooling before the ReLU gives the same numbers as after it, for a quarter of the work.
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.MaxPool2d(2),
        nn.ReLU(),
    )


SPECS = [
    ModelSpec(
        key="simple_cnn",
        title="Simple CNN",
        summary="Small enough to train on a laptop; the baseline that every model should beat.",
        family="Convolutional",
        build=SimpleCNN,
        cam_layer="block2",
        stems=PLAIN_STEMS,
        paper="https://doi.org/10.1109/5.726791",
    ),
    ModelSpec(
        key="simple_cnn_dropout",
        title="Simple CNN with dropout",
        summary="The same network, dropping a share of its features at each step to overfit less.",
        family="Convolutional",
        build=SimpleCNN,
        cam_layer="block2",
        stems=PLAIN_STEMS,
        uses=("dropout",),
        paper="https://jmlr.org/papers/v15/srivastava14a.html",
    ),
]
