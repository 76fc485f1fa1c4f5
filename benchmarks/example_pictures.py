"""Draws the pictures that are shipped to try a network on: things in the open, simply drawn.

They are drawn large, softened and made grainy like a photograph, and saved small. What a network
says about them is not part of it: pictures are not chosen or changed until it is right.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cifar_core.examples.pictures import FOLDER

LARGE, SMALL = 512, 128  # pixels while drawn, and saved
QUALITY = 84
MOST_BYTES = 100_000  # of all pictures
Color = tuple[int, int, int]
Points = Sequence[tuple[float, float]]
BLUE_SKY: tuple[Color, Color] = (70, 130, 205), (190, 215, 235)
GRAY_SKY: tuple[Color, Color] = (150, 160, 172), (215, 218, 220)
EVENING: tuple[Color, Color] = (90, 95, 150), (240, 180, 130)
BLACK, WHITE, GLASS = (25, 25, 28), (240, 240, 238), (60, 75, 90)


class Scene:
    """A picture while it is drawn; x and y run from 0 to 100, y downward."""

    def __init__(self, top: Color, bottom: Color, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        share = np.linspace(0, 1, LARGE)[:, None, None]
        pixels = (1 - share) * np.array(top) + share * np.array(bottom)
        pixels = np.broadcast_to(pixels, (LARGE, LARGE, 3))
        self.image = Image.fromarray(pixels.astype(np.uint8))
        self.draw = ImageDraw.Draw(self.image)

    def shape(self, color: Color, points: Points) -> None:
        """Fill a polygon."""
        self.draw.polygon([(x * LARGE / 100, y * LARGE / 100) for x, y in points], fill=color)

    def oval(self, color: Color, x: float, y: float, wide: float, high: float,
             turn: float = 0.0) -> None:  # fmt: skip
        """Fill an ellipse about a point, turned by an angle in degrees."""
        turn = math.radians(turn)
        around = [2 * math.pi * i / 60 for i in range(60)]
        self.shape(color, [
            (x + wide * math.cos(a) * math.cos(turn) - high * math.sin(a) * math.sin(turn),
             y + wide * math.cos(a) * math.sin(turn) + high * math.sin(a) * math.cos(turn))
            for a in around
        ])  # fmt: skip

    def line(self, color: Color, points: Points, width: float) -> None:
        """Draw a line with round ends."""
        scale = LARGE / 100
        self.draw.line([(x * scale, y * scale) for x, y in points], fill=color,
                       width=round(width * scale), joint="curve")  # fmt: skip
        for x, y in (points[0], points[-1]):
            self.oval(color, x, y, width / 2, width / 2)

    def ground(self, horizon: float, near: Color, far: Color, rough: float = 22.0) -> None:
        """Fill everything below a height with grass, sand, water or road."""
        start = round(horizon * LARGE / 100)
        rows = LARGE - start
        share = np.linspace(0, 1, rows)[:, None, None]
        pixels = (1 - share) * np.array(far) + share * np.array(near)
        noise = self.random.normal(0, 1, (rows // 6 + 1, LARGE // 10 + 1))
        grain = Image.fromarray(noise.astype(np.float32)).resize(
            (LARGE, rows), Image.Resampling.BICUBIC
        )
        pixels = pixels + rough * share * np.asarray(grain)[..., None]
        self.image.paste(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), (0, start))

    def clouds(self, color: Color = (235, 240, 245), most: float = 45.0) -> None:
        """Draw a few soft clouds in the upper part."""
        layer = Scene((0, 0, 0), (0, 0, 0), 0)
        for x, y in self.random.uniform((0, 0), (100, most), (7, 2)):
            for dx, dy in self.random.normal(0, (7, 2), (6, 2)):
                layer.oval((170, 170, 170), x + dx, y + dy, 9, 3.5)
        mask = layer.image.convert("L").filter(ImageFilter.GaussianBlur(14))
        self.image.paste(Image.new("RGB", self.image.size, color), (0, 0), mask)

    def shade(self, x: float, y: float, wide: float, high: float) -> None:
        """Darken an ellipse: what lies under a thing."""
        layer = Scene((0, 0, 0), (0, 0, 0), 0)
        layer.oval((150, 150, 150), x, y, wide, high)
        mask = layer.image.convert("L").filter(ImageFilter.GaussianBlur(10))
        self.image.paste(Image.new("RGB", self.image.size, (15, 18, 15)), (0, 0), mask)

    def finished(self) -> Image.Image:
        """Return the picture, lit from above, soft and grainy, at its final size."""
        soft = self.image.filter(ImageFilter.GaussianBlur(2.5)).resize(
            (SMALL, SMALL), Image.Resampling.LANCZOS
        )
        light = np.linspace(1.06, 0.9, SMALL)[:, None, None]
        pixels = np.asarray(soft) * light + self.random.normal(0, 3.0, (SMALL, SMALL, 1))
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def wheel(scene: Scene, x: float, y: float, radius: float) -> None:
    """Draw a wheel."""
    scene.oval(BLACK, x, y, radius, radius)
    scene.oval((150, 152, 156), x, y, radius * 0.5, radius * 0.5)


def airliner(seed: int, sky: tuple[Color, Color], hull: Color, tail: Color) -> Scene:
    """Draw an airliner in the sky, from the side."""
    scene = Scene(*sky, seed)
    scene.clouds()
    scene.shape((150, 155, 165), [(48, 48), (62, 46), (84, 28), (78, 28)])  # far wing
    scene.oval(hull, 48, 52, 38, 6.5, -6)
    scene.shape(tail, [(12, 53), (6, 32), (14, 32), (26, 52)])
    scene.shape(tail, [(10, 57), (3, 52), (8, 51), (22, 56)])
    scene.shape((120, 126, 138), [(40, 54), (58, 53), (36, 78), (28, 78)])  # near wing
    scene.oval((90, 95, 105), 46, 62, 5, 2.6, -6)
    for i in range(9):
        scene.oval(GLASS, 28 + 5.4 * i, 52.2 - 0.55 * i, 0.9, 1.2)
    scene.oval(GLASS, 80, 47, 3.2, 1.8, -14)
    return scene


def jet(seed: int, sky: tuple[Color, Color]) -> Scene:
    """Draw a jet from below."""
    scene = Scene(*sky, seed)
    scene.clouds(most=90)
    scene.shape(
        (80, 86, 96), [(52, 44), (88, 74), (88, 80), (50, 66), (12, 80), (12, 74), (48, 44)]
    )
    scene.shape((70, 76, 86), [(50, 74), (64, 88), (64, 92), (50, 86), (36, 92), (36, 88)])
    scene.oval((98, 104, 114), 50, 52, 4.2, 37)
    scene.oval(GLASS, 50, 30, 2.2, 6)
    return scene


def car(seed: int, paint: Color, dark: Color, ground: tuple[Color, Color]) -> Scene:
    """Draw a car on a road, from the side."""
    scene = Scene(*GRAY_SKY, seed)
    scene.shape((95, 115, 85), [(0, 52), (0, 44), (30, 38), (60, 43), (100, 36), (100, 55)])
    scene.ground(52, *ground, rough=10)
    scene.shade(50, 80, 44, 6)
    scene.shape(paint, [(8, 74), (7, 60), (14, 55), (30, 53), (40, 40), (66, 40), (78, 53),
                        (91, 57), (94, 63), (93, 74)])  # fmt: skip
    scene.shape(GLASS, [(33, 53), (41.5, 43), (52, 43), (52, 53)])
    scene.shape(GLASS, [(55, 53), (55, 43), (65, 43), (74, 53)])
    scene.shape(dark, [(8, 74), (8, 69), (93, 69), (93, 74)])
    scene.oval((250, 240, 190), 91.5, 60.5, 2, 2)
    scene.oval((190, 40, 35), 8.5, 60.5, 1.6, 2)
    for x in (25, 76):
        wheel(scene, x, 74, 8.5)
    return scene


def front(seed: int, paint: Color, dark: Color) -> Scene:
    """Draw a car from the front."""
    scene = Scene(*BLUE_SKY, seed)
    scene.ground(48, (95, 95, 98), (130, 130, 130), rough=8)
    scene.shade(50, 84, 42, 6)
    for x in (20, 80):
        scene.shape(BLACK, [(x - 7, 70), (x + 7, 70), (x + 6, 86), (x - 6, 86)])
    scene.shape(
        paint, [(12, 78), (11, 56), (22, 50), (30, 32), (70, 32), (78, 50), (89, 56), (88, 78)]
    )
    scene.shape(GLASS, [(27, 50), (33, 36), (67, 36), (73, 50)])
    scene.shape(dark, [(28, 60), (72, 60), (70, 70), (30, 70)])
    for x in (20, 80):
        scene.oval((250, 248, 225), x, 61, 6, 4)
    scene.shape((215, 215, 210), [(40, 72), (60, 72), (60, 77), (40, 77)])
    return scene


def truck(seed: int, cab: Color, box: Color) -> Scene:
    """Draw a truck on a road, from the side."""
    scene = Scene(*BLUE_SKY, seed)
    scene.clouds(most=30)
    scene.ground(66, (90, 90, 92), (125, 125, 122), rough=8)
    scene.shade(50, 83, 47, 5)
    scene.shape(box, [(4, 72), (4, 24), (68, 24), (68, 72)])
    scene.shape(tuple(round(0.8 * c) for c in box), [(4, 72), (4, 66), (68, 66), (68, 72)])  # type: ignore[arg-type]
    scene.shape(cab, [(70, 76), (70, 36), (86, 36), (94, 54), (96, 58), (96, 76)])
    scene.shape(GLASS, [(76, 53), (76, 41), (84.5, 41), (90, 53)])
    scene.shape(BLACK, [(4, 76), (4, 72), (96, 72), (96, 76)])
    for x in (15, 29, 82):
        wheel(scene, x, 77, 7.5)
    return scene


def fire_engine(seed: int) -> Scene:
    """Draw a fire engine in a street."""
    scene = Scene((176, 168, 158), (196, 190, 182), seed)
    scene.shape((150, 120, 105), [(0, 60), (0, 10), (45, 10), (45, 60)])
    scene.ground(62, (100, 100, 102), (135, 135, 132), rough=8)
    scene.shade(50, 83, 46, 5)
    scene.shape((200, 30, 28), [(5, 76), (5, 36), (70, 36), (74, 34), (93, 36), (96, 58), (96, 76)])
    scene.shape(GLASS, [(75, 52), (76, 40), (91, 40), (93, 52)])
    scene.shape(WHITE, [(5, 62), (5, 58), (96, 58), (96, 62)])
    scene.line((190, 192, 196), [(8, 33), (72, 28)], 3)
    scene.oval((70, 120, 230), 82, 33, 3.5, 2.2)
    for x in (20, 80):
        wheel(scene, x, 77, 8)
    return scene


def freighter(seed: int, sky: tuple[Color, Color], hull: Color) -> Scene:
    """Draw a freighter at sea."""
    scene = Scene(*sky, seed)
    scene.clouds(most=35)
    scene.ground(58, (30, 70, 105), (90, 135, 160), rough=26)
    scene.shape(hull, [(6, 54), (14, 68), (86, 68), (96, 50), (84, 54)])
    scene.shape((120, 40, 36), [(12, 65), (14, 69), (86, 69), (88, 65)])
    scene.shape(WHITE, [(14, 54), (14, 34), (32, 34), (32, 54)])
    scene.shape((190, 80, 50), [(18, 34), (18, 24), (25, 24), (25, 34)])
    for i, color in enumerate([(170, 60, 50), (60, 100, 140), (185, 150, 70), (90, 120, 90)]):
        scene.shape(
            color, [(36 + 11 * i, 54), (36 + 11 * i, 44), (46 + 11 * i, 44), (46 + 11 * i, 54)]
        )
    for x in (18, 23, 28):
        scene.oval(GLASS, x, 40, 1.5, 1.5)
    return scene


def sailing_boat(seed: int) -> Scene:
    """Draw a sailing boat."""
    scene = Scene(*BLUE_SKY, seed)
    scene.clouds(most=40)
    scene.ground(66, (25, 75, 120), (95, 150, 185), rough=26)
    scene.line((110, 85, 60), [(50, 72), (50, 12)], 1.4)
    scene.shape((245, 244, 238), [(51.5, 14), (51.5, 66), (80, 66)])
    scene.shape((225, 226, 224), [(48.5, 18), (48.5, 66), (26, 66)])
    scene.shape((150, 45, 40), [(18, 70), (84, 70), (76, 80), (27, 80)])
    return scene


def bird_on_branch(seed: int, feathers: Color, breast: Color) -> Scene:
    """Draw a small bird on a branch."""
    scene = Scene((120, 150, 105), (165, 180, 140), seed)
    scene.line((85, 65, 48), [(0, 80), (40, 76), (100, 70)], 5)
    scene.shape(tuple(round(0.75 * c) for c in feathers), [(30, 64), (4, 82), (10, 88), (38, 72)])  # type: ignore[arg-type]
    scene.oval(feathers, 46, 56, 24, 16, -32)
    scene.oval(breast, 54, 60, 15, 13, -40)
    scene.oval(feathers, 66, 34, 12.5, 11.5)
    scene.shape((225, 160, 60), [(77, 31), (91, 36), (77, 39)])
    scene.oval(BLACK, 70, 32, 2.2, 2.2)
    scene.oval(tuple(round(0.6 * c) for c in feathers), 38, 58, 19, 7, -28)  # type: ignore[arg-type]
    for x in (48, 56):
        scene.line((150, 110, 70), [(x, 70), (x, 76)], 1.6)
    return scene


def gull(seed: int) -> Scene:
    """Draw a gull in flight."""
    scene = Scene(*BLUE_SKY, seed)
    scene.clouds(most=90)
    scene.shape((215, 220, 225), [(46, 50), (30, 28), (4, 22), (20, 34), (36, 56)])
    scene.shape((195, 202, 210), [(54, 48), (70, 26), (97, 24), (80, 36), (62, 56)])
    scene.oval((240, 242, 243), 51, 54, 19, 7, -8)
    scene.oval((245, 246, 247), 70, 49, 6.5, 5.5)
    scene.shape((230, 160, 50), [(75, 48), (83, 51), (75, 52)])
    scene.shape((225, 228, 232), [(34, 56), (18, 58), (20, 64), (36, 60)])
    scene.oval(BLACK, 71.5, 48, 1.1, 1.1)
    return scene


def frog(seed: int, skin: Color, ground: tuple[Color, Color]) -> Scene:
    """Draw a frog that sits on the ground."""
    scene = Scene(ground[1], ground[0], seed)
    scene.ground(0, *ground, rough=28)
    scene.shade(50, 78, 40, 9)
    dark: Color = (skin[0] * 3 // 4, skin[1] * 3 // 4, skin[2] * 3 // 4)
    for side in (-1, 1):
        scene.oval(dark, 50 + 29 * side, 68, 16, 9, 35 * side)
        scene.line(dark, [(50 + 20 * side, 66), (50 + 24 * side, 80), (50 + 33 * side, 82)], 5)
    scene.oval(skin, 50, 58, 25, 21)
    scene.oval((205, 210, 160), 50, 70, 17, 9)
    scene.oval(skin, 50, 42, 21, 13)
    for side in (-1, 1):
        scene.oval(skin, 50 + 13 * side, 30, 7.5, 7.5)
        scene.oval((235, 210, 90), 50 + 13 * side, 29, 4.8, 4.8)
        scene.oval(BLACK, 50 + 13 * side, 29, 2.8, 2.2)
    scene.line(dark, [(34, 46), (50, 50), (66, 46)], 1.5)
    return scene


def four_legs(scene: Scene, color: Color, dark: Color, *, legs: float, body: float) -> None:
    """Draw the body and the legs of a large animal that looks to the right."""
    low = 86.0
    for x in (30, 68):
        scene.line(dark, [(x, 58), (x + 1, 72), (x, low)], legs)
    for x in (24, 62):
        scene.line(color, [(x, 58), (x - 1, 72), (x, low)], legs)
    scene.oval(color, 46, 52, 27, body)


def horse(seed: int, coat: Color, mane: Color) -> Scene:
    """Draw a horse in a meadow."""
    scene = Scene(*BLUE_SKY, seed)
    scene.shape((70, 100, 62), [(0, 50), (0, 36), (25, 31), (60, 37), (100, 30), (100, 50)])
    scene.ground(48, (85, 125, 50), (130, 155, 85), rough=26)
    scene.shade(46, 87, 34, 4)
    dark: Color = (coat[0] * 3 // 4, coat[1] * 3 // 4, coat[2] * 3 // 4)
    scene.line(mane, [(20, 48), (12, 58), (12, 72)], 5)
    four_legs(scene, coat, dark, legs=5.5, body=13)
    scene.shape(coat, [(58, 56), (72, 22), (82, 20), (84, 28), (73, 58)])
    scene.shape(coat, [(75, 20), (82, 18), (95, 34), (92, 39), (84, 37), (76, 30)])
    scene.shape(coat, [(76, 20), (77, 12), (81, 18)])
    scene.line(mane, [(75, 17), (67, 30), (60, 46)], 5)
    scene.oval(BLACK, 83, 25, 1.3, 1.3)
    return scene


def deer(seed: int) -> Scene:
    """Draw a deer at the edge of a wood."""
    scene = Scene((60, 85, 55), (95, 115, 75), seed)
    for x in (6, 24, 90):
        scene.line((70, 56, 44), [(x, 0), (x, 60)], 5)
    scene.ground(56, (110, 120, 60), (120, 130, 80), rough=28)
    scene.shade(46, 87, 32, 4)
    coat, dark = (165, 115, 70), (125, 86, 52)
    four_legs(scene, coat, dark, legs=3.6, body=11)
    scene.oval((235, 225, 210), 20, 48, 4, 5)
    scene.shape(coat, [(60, 54), (70, 26), (78, 26), (73, 56)])
    scene.shape(coat, [(69, 26), (77, 21), (90, 31), (87, 35), (76, 33)])
    scene.shape(coat, [(69, 25), (62, 19), (73, 22)])
    for side, x in ((-1, 72), (1, 76)):
        scene.line((110, 90, 66), [(x, 22), (x + 4 * side, 10), (x + 1 * side, 2)], 1.7)
        scene.line((110, 90, 66), [(x + 3 * side, 13), (x + 10 * side, 6)], 1.5)
    scene.oval(BLACK, 79, 26, 1.3, 1.3)
    return scene


def face(scene: Scene, fur: Color, dark: Color) -> None:
    """Draw what the faces of a cat and a dog have in common."""
    scene.oval(fur, 50, 52, 29, 27)
    for side in (-1, 1):
        scene.oval((215, 190, 90) if fur[2] > 60 else WHITE, 50 + 12 * side, 47, 5, 4.4)
        scene.oval(BLACK, 50 + 12 * side, 47, 2.3, 3.6)
    scene.shape(dark, [(46, 58), (54, 58), (50, 63)])
    scene.line(dark, [(50, 62), (50, 68)], 1.2)


def cat(seed: int, fur: Color, stripes: Color) -> Scene:
    """Draw the face of a cat."""
    scene = Scene((150, 130, 110), (110, 92, 78), seed)
    scene.oval(fur, 50, 98, 34, 26)
    for side in (-1, 1):
        scene.shape(fur, [(50 + 27 * side, 52), (50 + 29 * side, 14), (50 + 6 * side, 30)])
        scene.shape(
            (215, 160, 150), [(50 + 24 * side, 40), (50 + 25.5 * side, 22), (50 + 13 * side, 31)]
        )
    face(scene, fur, (150, 85, 80))
    scene.oval(WHITE, 50, 67, 11, 8)
    scene.shape((200, 120, 115), [(46.5, 60), (53.5, 60), (50, 64)])
    for x in (42, 50, 58):
        scene.line(stripes, [(x, 27), (50 + (x - 50) * 0.8, 37)], 2.2)
    for side in (-1, 1):
        for y in (64, 68, 72):
            scene.line((235, 235, 230), [(50 + 12 * side, 66), (50 + 38 * side, y - 2)], 0.7)
        scene.line(stripes, [(50 + 28 * side, 52), (50 + 19 * side, 54)], 2)
    return scene


def dog(seed: int, fur: Color, ears: Color) -> Scene:
    """Draw the face of a dog."""
    scene = Scene((120, 150, 90), (90, 120, 65), seed)
    scene.ground(0, (85, 120, 60), (130, 155, 95), rough=22)
    scene.oval(fur, 50, 98, 32, 28)
    face(scene, fur, BLACK)
    scene.oval((240, 228, 205), 50, 66, 15, 12)
    scene.oval(BLACK, 50, 60, 5.5, 4)
    scene.line(BLACK, [(50, 63), (50, 70)], 1.2)
    scene.line(BLACK, [(42, 71), (50, 73), (58, 71)], 1.2)
    scene.oval((215, 95, 100), 50, 77, 4.5, 5)
    for side in (-1, 1):
        scene.oval(ears, 50 + 30 * side, 48, 8.5, 20, -12 * side)
    return scene


ASPHALT: tuple[Color, Color] = (92, 92, 95), (130, 130, 130)
PICTURES: dict[str, Callable[[], Scene]] = {
    "an airliner": lambda: airliner(1, BLUE_SKY, (236, 238, 240), (40, 70, 140)),
    "a red car": lambda: car(2, (190, 35, 32), (120, 22, 22), ASPHALT),
    "a small bird": lambda: bird_on_branch(3, (120, 90, 66), (205, 110, 60)),
    "a cat": lambda: cat(4, (170, 125, 80), (105, 70, 42)),
    "a deer": lambda: deer(5),
    "a dog": lambda: dog(6, (205, 165, 105), (120, 80, 48)),
    "a green frog": lambda: frog(7, (96, 150, 55), ((80, 68, 50), (112, 98, 72))),
    "a brown horse": lambda: horse(8, (125, 72, 40), (45, 30, 24)),
    "a freighter": lambda: freighter(9, BLUE_SKY, (50, 55, 66)),
    "a truck": lambda: truck(10, (200, 60, 45), (225, 226, 224)),
    "a jet": lambda: jet(11, GRAY_SKY),
    "a blue car": lambda: front(12, (40, 80, 160), (24, 40, 80)),
    "a gull": lambda: gull(13),
    "a gray cat": lambda: cat(14, (128, 128, 130), (84, 84, 88)),
    "a brown frog": lambda: frog(15, (120, 98, 62), ((74, 104, 52), (104, 130, 74))),
    "a white horse": lambda: horse(16, (222, 218, 210), (190, 186, 178)),
    "a sailing boat": lambda: sailing_boat(17),
    "a fire engine": lambda: fire_engine(18),
}


def write(folder: Path = FOLDER) -> None:
    """Draw all pictures into a folder."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    for number, (title, scene) in enumerate(PICTURES.items(), 1):
        path = folder / f"{number:02}-{title.replace(' ', '-')}.jpg"
        scene().finished().save(path, quality=QUALITY, optimize=True)
    size = sum(path.stat().st_size for path in folder.glob("*.jpg"))
    print(f"{len(PICTURES)} pictures, {size:,} bytes")
    assert size <= MOST_BYTES


if __name__ == "__main__":
    write()
