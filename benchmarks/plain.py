"""The training script that most people write, to measure against: python -m benchmarks.plain.

One PIL image after the other through torchvision's transforms, a DataLoader with two workers,
float32, contiguous images, two waits for the device in every step, SGD.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

BATCH = 128


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images [N, 32, 32, 3] as a script reads them: shifted by up to 4 pixels, mirrored, scaled."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        from torchvision import transforms

        self.pixels, self.labels = pixels, labels
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), int(self.labels[index])


def train(
    model: nn.Module,
    pixels: np.ndarray,
    labels: np.ndarray,
    *,
    device: str = "cpu",
    workers: int = 2,
) -> Iterator[int]:
    """Train for ever; yield the number of images after each step."""
    loader = DataLoader(
        Pictures(pixels, labels), BATCH, shuffle=True, num_workers=workers, drop_last=True
    )
    model = model.to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    loss_sum, right = 0.0, 0
    while True:
        for images, targets in loader:
            images, targets = images.to(device), targets.to(device)
            optimizer.zero_grad()
            logits = model(images)
            loss = F.cross_entropy(logits, targets)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            right += logits.argmax(dim=1).eq(targets).sum().item()
            yield len(targets)
