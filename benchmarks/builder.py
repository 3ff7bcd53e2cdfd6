"""Throughput of `deocclude ahp build --auto`'s steps: people a second, by engine and workers, in one run.

Takes a few people of each data set that is given, in a temporary copy of links. Ratios of one run count, not
its seconds. Times include starting the workers, which is most of the time for few people.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deocclude.ahp.engine import Engine


def subset(sources: dict[str, Path], people: int, to: Path) -> dict[str, Path]:
    """Data sets of the first `people` photos of each, half of them of the validation split, as links."""
    from deocclude.ahp.split import split_of

    def some(source: str, names: list[str]) -> list[str]:
        by_split = {split: [n for n in names if split_of(source, n) == split] for split in ("val", "train")}
        return by_split["val"][: people // 2] + by_split["train"][: people - people // 2]

    def link(source: str, name: str) -> None:
        path = to / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to((sources[source] / name).resolve())

    if "ccp" in sources:
        link("ccp", "tags.json")
        labels = sorted(path.stem for path in (sources["ccp"] / "labels").glob("*.png"))
        for name in some("ccp", labels):
            link("ccp", f"labels/{name}.png")
            link("ccp", f"photos/{name}.jpg")
    if "lspet" in sources:
        joints = json.loads((sources["lspet"] / "joints.json").read_text())
        joints["xy"] = {name: joints["xy"][name] for name in some("lspet", sorted(joints["xy"]))}
        for name in joints["xy"]:
            link("lspet", f"images/{name}.jpg")
        (to / "lspet" / "joints.json").write_text(json.dumps(joints))
    if "coco" in sources:
        folder = sources["coco"] / "annotations"
        images = json.loads((folder / "instances.json").read_text())["images"]
        chosen = some("coco", sorted(image["file_name"] for image in images))
        ids = {image["id"] for image in images if image["file_name"] in set(chosen)}
        for name in chosen:
            link("coco", f"images/{name}")
        (to / "coco" / "annotations").mkdir()
        for path in folder.glob("*.json"):
            content = json.loads(path.read_text())
            content["images"] = [image for image in content["images"] if image["id"] in ids]
            content["annotations"] = [one for one in content["annotations"] if one["image_id"] in ids]
            (to / "coco" / "annotations" / path.name).write_text(json.dumps(content))
    return {name: to / name for name in sources}


def preserve_everybody(work: Path) -> int:
    """Decisions that keep everybody with a mask, so that later steps have all the people; how many."""
    from deocclude.atomic import write_atomically

    lines = [json.loads(line) for line in (work / "segmented.jsonl").read_text().splitlines()]
    kept = [line["id"] for line in lines if line["outcome"] == "ok"]
    text = "".join(json.dumps({"id": identity, "decision": "preserve"}) + "\n" for identity in kept)
    write_atomically(work / "decisions.jsonl", text.encode())
    return len(kept)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(sources: dict[str, Path], base: Path, engine: Engine, parser: str) -> dict[str, float]:
    """People (composites for synthesize, photos for false alarms) a second of each step."""
    from deocclude.ahp.acquire.registry import open_sources
    from deocclude.ahp.acquire.run import acquire
    from deocclude.ahp.build.composites import freeze
    from deocclude.ahp.build.run import build, scratch_of
    from deocclude.ahp.coco import CocoReader
    from deocclude.ahp.false_alarms import write_false_alarms
    from deocclude.ahp.review.database import Database
    from deocclude.ahp.review.index import index
    from deocclude.ahp.review.workspace import Workspace
    from deocclude.ahp.segment.run import segment
    from deocclude.ahp.work_files import CANDIDATES, DROPPED, REVIEW

    work, out = base / "work", base / "AHP"
    rates = {}
    opened = open_sources(sources)
    took = seconds(lambda: acquire(opened, work, engine))
    acquired = sum(len((work / name).read_text().splitlines()) for name in (CANDIDATES, DROPPED))
    rates["acquire"] = acquired / took
    took = seconds(lambda: segment(work, engine, parser=parser))
    people = preserve_everybody(work)
    rates["segment"] = people / took
    database = Database(work / REVIEW)
    rates["review's first look"] = people / seconds(lambda: index(Workspace(work), database, engine=engine))
    database.path.unlink()
    rates["build"] = people / seconds(lambda: build(work, out, engine, coco=sources.get("coco")))
    made: list[int] = []
    took = seconds(lambda: made.append(freeze(out, scratch_of(work, out), engine)[0]))
    rates["synthesize with N_i's masks (composites)"] = made[0] / took
    reader = CocoReader(sources["coco"])
    photos = sum(not reader.shows_people(name) for name in reader.jobs())
    rates["false alarms (photos)"] = photos / seconds(
        lambda: write_false_alarms(out, sources["coco"], engine)
    )
    return rates


def main() -> None:
    """Measures and prints; the last column is the ratio to one worker."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("ccp", "lspet", "coco"):
        parser.add_argument(f"--{name}", type=Path, required=name == "coco", help="as for `ahp build --auto`")
    parser.add_argument("--people", type=int, default=40, help="photos of each data set")
    parser.add_argument("--parser", default="lite", help="as for `ahp segment`")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    given = {name: getattr(options, name) for name in ("ccp", "lspet", "coco") if getattr(options, name)}
    engines = [Engine("processes", 1), Engine("processes", 2)]
    engines += [Engine("ray", 2)] if find_spec("ray") else []
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        sources = subset(given, options.people, Path(folder) / "data")
        for engine in engines:
            name = f"{engine.name}-{engine.workers}"
            results[name] = measure(sources, Path(folder) / name, engine, options.parser)
    first = results["processes-1"]
    for name, rates in results.items():
        for step, rate in rates.items():
            print(f"{step:42} {name:12} {rate:8.2f} a second {rate / first[step]:6.2f}")
    if "ray-2" not in results:
        print("Ray is not installed: pip install 'deocclude[ray]'")
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
