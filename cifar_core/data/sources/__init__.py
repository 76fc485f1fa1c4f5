"""Where images come from: CIFAR-10, a folder, an archive, or the program itself."""
