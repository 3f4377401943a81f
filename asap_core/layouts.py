"""Where an image lies says what it is: names of folders -> label, generator, category, split.

The rule, in order. Names are compared without case, as words: 1_fake is `fake`, AiArtData is `ai art data`.

1. Split. A folder called train, test, val, ... is a split; the rest of the rule does not see it.
2. Label. A folder is *real* or *fake* if all its words say so, numbers and neutral words (images, faces, art,
   ...) left out: `0_real`, `fake_images`, `nature`, `ai`, but not `fake_smiles` or `real_vs_fake`.
   The first of these that an image's path meets decides:
   a. the uppermost real or fake folder that has one of the other kind beside it;
   b. the uppermost folder that has a real one in it beside others, none of which holds real or fake folders:
      the others are fake, each named after its generator;
   c. the lowest real or fake folder;
   d. a known generator beside a real and a fake folder: fake.
   So a `fake` inside a `real` that has a `fake` beside it is a category.
3. Generator. "real" for authentic images. For a fake the uppermost name on its path that is a generator's:
   a. a known one (GENERATORS), wherever it stands;
   b. the name of a folder beside `real` (2b);
   c. above the label: any name on a level that has a known generator on it;
   d. below the label: a name that no authentic image has below its label, unless its level is one of
      categories: it has names of authentic images, and no known generator's.
   Otherwise the name of the whole folder, if known; otherwise "fake".
4. Category. The remaining names, joined by "/". A level with one name throughout says nothing and is left out
   where another one is left.

A name that is both (a generator firefly, a category firefly) is a generator; a manifest can say otherwise.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

Folder = tuple[str, ...]  # names from the root down

REAL = {"real", "reals", "authentic", "genuine", "natural", "nature", "original", "originals", "pristine"}
FAKE = {"fake", "fakes", "ai", "aigc", "generated", "generative", "synthetic", "synthesized", "synthesised"}
FAKE |= {"synth", "artificial", "forged", "manipulated"}
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SPLITS |= {"val": "val", "valid": "val", "validation": "val", "dev": "val"}
NEUTRAL = {"image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "face", "faces", "art"}
NEUTRAL |= {"data", "dataset", "set", "sample", "samples", "class", "all", "only", "the"} | set(SPLITS)

# Names of generators, as regular expressions over lower-case names whose other signs became "_".
GENERATORS = (
    "(pro|style|big|cycle|star|gau|att|info|vq|giga|sn|mmd|s3|projected_?|diffusion_?|gansformer_?)gan|eg3d",
    "[a-z]*_?diffusion|stable_?cascade|sd_?xl|sd|ldm|adm|i?ddpm|ddim|pndm|vqdm|glide|dall_?e|mid_?journey|wukong",
    "kandinsky|imagen|firefly|ideogram|recraft|pix_?art|flux|deep_?floyd|playground_?v|hunyuan_?dit|cog_?view",
    "gpt_?image|gpt_?4o|dream_?studio|taming_?transformers?|deep_?fakes?|face_?swap|face_?2_?face",
    "neural_?textures|which_?face_?is_?real|seeing_?dark|crn|imle",
)
KNOWN = re.compile(rf"(?:^|_)(?:{'|'.join(GENERATORS)})(?:_?(?:v|xl|ada|mini|turbo))?[\d_]*(?:_|$)")

NAMES = 2**18  # remembered: as many folders as images, at worst


@dataclass(frozen=True)
class Place:
    """What the place of an image says about it; `is_fake` None if nothing does."""

    is_fake: bool | None
    generator: str
    category: str = ""
    split: str = ""


def words(name: str) -> tuple[str, ...]:
    """The lower-case words of a name: letters only, cut at other signs and where capitals begin."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[^\W\d_]+", spaced.lower()))


@lru_cache(NAMES)
def label(name: str) -> bool | None:
    """Whether a name says fake (True), real (False) or neither (None)."""
    telling = {word for word in words(name) if word not in NEUTRAL}
    if not telling or not (telling <= REAL or telling <= FAKE):
        return None
    return telling <= FAKE


@lru_cache(NAMES)
def split(name: str) -> str:
    """The split that a name says: train, val or test; "" for none."""
    spoken = set(words(name))
    said = {SPLITS[word] for word in spoken if word in SPLITS}
    return said.pop() if len(said) == 1 and spoken <= NEUTRAL else ""


@lru_cache(NAMES)
def is_generator(name: str, wholly: bool = False) -> bool:
    """Whether a name holds (or wholly is) that of a known generator: StyleGAN2, sd3, imagenet_midjourney."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower())
    return bool(KNOWN.fullmatch(plain) if wholly else KNOWN.search(plain))


def places(folders: Iterable[Folder], root: str) -> dict[Folder, Place]:
    """What each folder that holds images says about them; all folders at once, `root` names the whole."""
    short = {folder: without_splits(folder) for folder in folders}
    stands = _stands(set(short.values()))
    levels = Levels(stands)
    found = {}
    for folder, names in short.items():
        if names in stands:
            stand = stands[names]
            found[folder] = Place(
                stand.is_fake, levels.generator(stand, root), levels.category(stand), _split_of(folder)
            )
        else:
            found[folder] = Place(None, "", "", _split_of(folder))
    return found


def without_splits(folder: Folder) -> Folder:
    return tuple(name for name in folder if not split(name))


def is_torn(folder: Folder) -> bool:
    """Whether a path has both real and fake folders on it."""
    return {True, False} <= {label(name) for name in folder}


def _split_of(folder: Folder) -> str:
    """The uppermost split on a path: a folder of its own, or said by the label (training_fake)."""
    for name in folder:
        if split(name):
            return split(name)
        if label(name) is not None:
            for word in words(name):
                if word in SPLITS:
                    return SPLITS[word]
    return ""


@dataclass(frozen=True)
class Stand:
    """Where the label of a path stands: names above it, its own, names below it."""

    is_fake: bool
    above: Folder
    own: str
    below: Folder

    @property
    def beside(self) -> bool:
        """Whether the folder is fake only because it lies beside a real one."""
        return label(self.own) is None

    def levels(self) -> Iterable[tuple[tuple[str, int], str]]:
        """The names but the label's, from the root down, each with its level."""
        for side, names in (("above", self.above), ("below", self.below)):
            for depth, name in enumerate(names):
                yield (side, depth), name


def _stands(folders: Collection[Folder]) -> dict[Folder, Stand]:
    """Rule 2: the label of each folder, where it has one."""
    children: dict[Folder, set[str]] = defaultdict(set)
    telling: set[Folder] = set()  # folders with a real or fake one somewhere inside
    for folder in folders:
        for depth, name in enumerate(folder):
            children[folder[:depth]].add(name)
            if label(name) is not None:
                telling.update(folder[:above] for above in range(depth + 1))
    both, beside = set(), set()
    for parent, names in children.items():
        kinds = {label(name) for name in names}
        if {True, False} <= kinds:
            both.add(parent)
        elif False in kinds and None in kinds:
            others = [(*parent, name) for name in names if label(name) is None]
            if not telling.intersection(others):
                beside.add(parent)
    decided = {folder: _decide(folder, both, beside) for folder in folders}
    return {folder: stand for folder, stand in decided.items() if stand}


def _decide(folder: Folder, both: Collection[Folder], beside: Collection[Folder]) -> Stand | None:
    """Rule 2, a to d, for one folder."""
    depths = range(len(folder))
    says = [label(name) for name in folder]
    choices = (
        (depth for depth in depths if folder[:depth] in both and says[depth] is not None),
        (depth for depth in depths if folder[:depth] in beside),
        (depth for depth in reversed(depths) if says[depth] is not None),
        (depth for depth in depths if folder[:depth] in both and is_generator(folder[depth])),
    )
    for choice in choices:
        for depth in choice:
            return Stand(says[depth] is not False, folder[:depth], folder[depth], folder[depth + 1 :])
    return None


class Levels:
    """Rules 3 and 4: which names are generators and which categories, level by level over all folders."""

    def __init__(self, stands: Mapping[Folder, Stand]) -> None:
        self.names: dict[tuple[str, int], set[str]] = defaultdict(set)  # of fakes below, of all above
        self.authentic: set[str] = set()  # names below a real folder
        for stand in stands.values():
            if not stand.is_fake:
                self.authentic.update(name.lower() for name in stand.below)
            for level, name in stand.levels():
                if stand.is_fake or level[0] == "above":
                    self.names[level].add(name)
        self.known = {level: any(map(is_generator, names)) for level, names in self.names.items()}
        self.shared = {
            level: any(name.lower() in self.authentic for name in names) for level, names in self.names.items()
        }
        self.categories: dict[tuple[str, int], set[str]] = defaultdict(set)
        for stand in stands.values():
            for level, name in self._remaining(stand):
                self.categories[level].add(name)

    def generator(self, stand: Stand, root: str) -> str:
        if not stand.is_fake:
            return "real"
        names = [*stand.above, *([stand.own] if stand.beside else []), *stand.below]
        known = [name for name in names if is_generator(name)]
        beside = [stand.own] if stand.beside else []
        implied = [name for level, name in stand.levels() if self._generates(stand, level, name)]
        whole = [root] if is_generator(root, wholly=True) else []
        return [*known, *beside, *implied, *whole, "fake"][0]

    def category(self, stand: Stand) -> str:
        remaining = list(self._remaining(stand))
        varied = [name for level, name in remaining if len(self.categories[level]) > 1]
        return "/".join(varied or [name for _, name in remaining])

    def _remaining(self, stand: Stand) -> Iterable[tuple[tuple[str, int], str]]:
        return ((level, name) for level, name in stand.levels() if not self._generates(stand, level, name))

    def _generates(self, stand: Stand, level: tuple[str, int], name: str) -> bool:
        if is_generator(name) or label(name) is not None:
            return label(name) is None  # no generator is called real, or fake
        if level[0] == "above":
            return self.known[level]
        if not stand.is_fake or stand.beside or name.lower() in self.authentic:
            return False
        return self.known[level] or not self.shared[level]


def explored(folders: Iterable[Folder]) -> dict[Folder, Place]:
    """Folders of images whose truth is not asked for: all names but splits become the category."""
    return {folder: Place(None, "unknown", "/".join(without_splits(folder)), _split_of(folder)) for folder in folders}


def tree(counts: Mapping[Folder, int], root: str, most: int = 8) -> str:
    """The folders that hold images, drawn two levels deep, at most `most` in one; `counts` images each."""
    inside: dict[Folder, int] = defaultdict(int)
    for folder, count in counts.items():
        for depth in range(min(len(folder), 2) + 1):
            inside[folder[:depth]] += count
    lines = [f"{root}/  {inside[()]:,} images"]
    for depth_one in _some((folder for folder in inside if len(folder) == 1), most):
        lines.append(_line(depth_one, inside))
        if depth_one:
            deeper = (folder for folder in inside if len(folder) == 2 and folder[:1] == depth_one)
            lines += [_line(folder, inside, deep=True) for folder in _some(deeper, most)]
    return "\n".join(lines)


def _some(folders: Iterable[Folder], most: int) -> list[Folder]:
    """The first folders by name, and an empty one where more were left out."""
    ordered = sorted(folders)
    return ordered[:most] + ([()] if len(ordered) > most else [])


def _line(folder: Folder, inside: Mapping[Folder, int], deep: bool = False) -> str:
    indent = "    " if deep else "  "
    if not folder:
        return f"{indent}..."
    name = folder[-1].encode("unicode_escape").decode() if not folder[-1].isprintable() else folder[-1]
    return f"{indent}{name}/  {inside[folder]:,}"
