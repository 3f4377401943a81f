"""Trust: what scrutiny found of an analysis' token maps, as it is kept, read and told. Needs no torch.

Beside the analysis stands `faithfulness.json`, the contract of DESIGN section 9:

    images, steps, seed   how many images, tokens removed in how many steps, and the sample's seed
    methods      name -> {deletion, insertion, srg, correlation, completeness, pointing, mass_ratio,
                 average_precision, sparseness, over_paper, randomised, targets}; each [value, low, high], null where
                 it does not apply. By dropping tokens
    against      occluder -> name -> {deletion, insertion, srg, over_paper}: the same curves by other means
    localised    {images, chance, area}: fakes with a known flaw which the verdict found; tokens and area it takes
    errors       misses and false_alarms without the region that speaks most for them; see `reversal.examine`

Every image is tried on the head that judged it, which has not seen it.

`completeness` is by how many logits maps and remainder miss the verdict, null where a method does not claim to add
up. `over_paper` is a method's srg less `paper`'s, image by image. `randomised` and `targets` are correlations of
maps, see `identification.sanity`; the other measures are in `identification.faithfulness`.
"""

from collections.abc import Mapping
from typing import Any

from . import integrity, storage
from .analysis import Analysis

FILE = "faithfulness.json"


def write(made: Analysis, found: Mapping[str, Any]) -> None:
    """Keep what was found of an analysis, whole or not at all."""
    storage.write_text(made.derived / FILE, integrity.seal(found))


def read(made: Analysis) -> dict[str, Any] | None:
    """What was found before; None where nothing was, of another analysis, or damaged."""
    try:
        found = integrity.unseal((made.derived / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if found.get("fingerprint") == made.fingerprint else None


COLUMNS = {
    "deletion": "deletion",
    "insertion": "insertion",
    "srg": "SRG",
    "over_paper": "over paper",
    "correlation": "correlation",
    "sparseness": "sparseness",
    "pointing": "pointing",
    "mass_ratio": "mass ratio",
    "average_precision": "precision",
}


def text(found: Mapping[str, Any]) -> str:
    """What was found, for people: a table of the measures that apply, and what they are of."""
    methods, localised = found["methods"], found["localised"]
    lines = [f"{found['images']} images, tokens dropped in {found['steps']} steps; 95 % intervals", *_table(methods)]
    for occluder, others in found["against"].items():
        lines += ["", f"the same, tokens painted over with their image's {occluder} colour", *_table(others)]
    if localised["images"]:
        lines += [
            "",
            f"pointing, mass ratio and precision: {localised['images']} fakes whose flaws are known and which were "
            f"judged fake; chance points at a flaw in {localised['chance']:.0%}, a flaw takes {localised['area']:.1%}",
        ]
    lines += _errors(found["errors"])
    lines += ["", "correlation with the maps of a model shuffled: the head, then blocks from the last on"]
    for name, each in methods.items():
        if "randomised" in each:
            steps = ", ".join(f"{share} {value[0]:.2f}" for share, value in each["randomised"].items())
            lines.append(f"{name:<18}{steps}; between dimensions {each['targets'][0]:.2f}")
    return "\n".join(lines)


def _errors(errors: Mapping[str, Any]) -> list[str]:
    """How many wrong verdicts become right, and what they are made of."""
    lines = []
    for name, each in errors.items():
        called = name.replace("_", " ")
        if not each["n"]:
            lines += ["", f"{called}: none"]
            continue
        lines += ["", f"{called}: {each['n']} tried of {each['of']}; in {each['with_region']} a region speaks for the "
                  "wrong verdict. Judged right without it, of all tried:"]  # fmt: skip
        for kind, what in (("region", "that region"), ("all", "all such regions"), ("random", "it, moved at random")):
            shares = (
                "{} {:.0%} ({:.0%} to {:.0%})".format(occluder, *share)
                for occluder, share in each[f"without_{kind}"].items()
            )
            lines.append(f"  {what:<22}{'; '.join(shares)}")
        parts = ", ".join(f"{part} {value:+.2f}" for part, value in each["parts"].items())
        lines.append(f"  logits toward the wrong verdict, mean: {parts}")
    return lines


def _table(methods: Mapping[str, Any]) -> list[str]:
    names = [name for name in COLUMNS if any(each.get(name) is not None for each in methods.values())]
    lines = [f"{'':<18}" + "".join(f"{COLUMNS[name]:<22}" for name in names)]
    for method, each in methods.items():
        cells = ("" if each.get(name) is None else "{:.2f} ({:.2f} to {:.2f})".format(*each[name]) for name in names)
        lines.append(f"{method:<18}" + "".join(f"{cell:<22}" for cell in cells))
    return [line.rstrip() for line in lines]
