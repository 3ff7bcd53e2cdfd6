from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from running_compose import Room, over

from deocclude.ahp.compose.library import Library
from deocclude.ahp.compose.paste import paste
from deocclude.ahp.frozen import FrozenComposites
from deocclude.ahp.web.requests import Refused


@contextmanager
def refused(status: int) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.status == status


def test_two_editors_never_work_on_the_same_person(room: Room) -> None:
    ada, bob = room.take("ada", count=3), room.take("bob", count=3)
    assert len(set(ada) | set(bob)) == 6
    assert room.take("ada", client="another tab", count=3) == []
    room.now += 61
    assert len(room.take("cleo", count=8)) == 6


def test_what_is_saved_is_what_the_preview_showed(room: Room, library: Library) -> None:
    (person,) = room.take("ada")
    body = over(library, person, scale=0.71, angle=12.5, flipped=True, look=3)
    preview = room.api.preview(body)
    assert preview["problem"] is None
    room.save("ada", person, scale=0.71, angle=12.5, flipped=True, look=3)
    (saved,) = FrozenComposites(room.work.parent, "work/composites")
    assert saved.id == f"{person}-0"
    assert saved.ratio == preview["ratio"]
    whole = library.person(person)
    expected, _ = paste(whole, library.occluder("coco-chair-0"), room.api._arrangement(body))
    assert np.array_equal(saved.modal, expected.modal)
    assert np.array_equal(saved.amodal, whole.amodal)
    patch = preview["patch"]
    jpeg = np.frombuffer(base64.b64decode(patch["image"].partition(",")[2]), np.uint8)
    shown = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    assert shown.shape == (patch["height"], patch["width"], 3)
    rows = slice(patch["top"], patch["top"] + patch["height"])
    columns = slice(patch["left"], patch["left"] + patch["width"])
    assert np.abs(shown - saved.occluded[rows, columns]).mean() < 4
    assert np.abs(shown - whole.photo[rows, columns]).mean() > 10


def test_ratios_outside_are_refused_and_nothing_is_stored(room: Room, library: Library) -> None:
    (person,) = room.take("ada")
    left, top, right, bottom = library.people[person].box
    middle = {"x": (left + right) / 2, "y": (top + bottom) / 2, "scale": 3}
    preview = room.api.preview(over(library, person, **middle))
    assert preview["ratio"] > 0.5
    assert "more than half" in preview["problem"]
    with pytest.raises(Refused, match="more than half"):
        room.save("ada", person, **middle)
    with pytest.raises(Refused, match="Nothing of the person is hidden"):
        room.save("ada", person, x=-500, y=-500)
    assert room.api.preview(over(library, person, x=-500))["patch"] is None
    assert room.state()["composites"] == 0
    assert not (room.work / "composites").exists()


def test_a_composite_sent_twice_is_stored_once(room: Room) -> None:
    (person,) = room.take("ada")
    assert room.save("ada", person, token="t")["outcome"] == "stored"
    assert room.save("ada", person, token="t")["outcome"] == "repeated"
    assert room.state("ada")["mine"] == 1
    assert person not in room.take("bob", count=8)


def test_a_composite_is_withdrawn_with_its_arrangement(room: Room) -> None:
    first, second = room.take("ada", count=2)
    room.save("ada", first, token="one", flipped=True)
    room.save("ada", second, token="two", angle=9)
    sample = room.undo("ada")
    assert sample is not None
    assert (sample["id"], sample["arrangement"]["angle"]) == (second, 9)
    assert room.undo("bob") is None
    sample = room.undo("ada", token="one")
    assert sample is not None
    assert sample["arrangement"]["flipped"] is True
    assert room.undo("ada") is None
    assert room.state()["composites"] == 0
    assert room.take("bob", "vote", 8) == []
    assert first not in room.take("bob", count=8)
    room.save("ada", first)
    assert room.take("bob", "vote") == [f"{first}-1"]


def test_nobody_votes_on_their_own(room: Room) -> None:
    (person,) = room.take("Ada")
    room.save("Ada", person)
    composite = f"{person}-0"
    assert room.take("ADA", "vote") == []
    with refused(403):
        room.vote("aDa", composite)
    assert room.state("ada")["votable"] == 0
    assert room.state("bob")["votable"] == 1
    assert room.take("bob", "vote") == [composite]


def test_all_votes_must_pass(room: Room) -> None:
    people = room.take("ada", count=3)
    for person in people:
        room.save("ada", person)
    good, bad, waiting = (f"{person}-0" for person in people)
    for who in ("bob", "cleo"):
        room.take(who, "vote", 3)
        room.vote(who, good)
    room.vote("bob", bad)
    room.vote("cleo", bad, "fail")
    room.vote("bob", waiting)
    state = room.state("cleo")
    assert (state["passed"], state["failed"], state["open"], state["votable"]) == (1, 1, 1, 1)
    assert sum(state["bins"]) == 2
    room.now += 61
    assert room.take("dan", "vote", 8) == [waiting]


def test_no_more_people_vote_than_are_wanted(room: Room) -> None:
    (person,) = room.take("ada")
    room.save("ada", person)
    composite = f"{person}-0"
    assert room.take("bob", "vote") == room.take("cleo", "vote") == [composite]
    assert room.take("dan", "vote") == []
    with refused(409):
        room.vote("dan", composite)
    room.vote("bob", composite)
    room.vote("cleo", composite, token="c")
    assert room.vote("cleo", composite, token="c")["outcome"] == "repeated"
    with refused(409):
        room.vote("cleo", composite, "fail")
    figure = room.library.people[person]
    again = room.undo("cleo", "vote")
    assert again == {"id": composite, "width": figure.width, "height": figure.height}
    assert room.state()["open"] == 1
    room.vote("cleo", composite, "fail")
    assert room.state()["failed"] == 1


def test_votes_on_withdrawn_composites_are_refused(room: Room) -> None:
    (person,) = room.take("ada")
    room.save("ada", person)
    room.vote("bob", f"{person}-0")
    room.undo("ada")
    assert room.undo("bob", "vote") is None
    with refused(404):
        room.vote("cleo", f"{person}-0")


def test_more_composites_of_each_person_and_other_numbers_of_votes(room: Room) -> None:
    room.database.set("per_person", 2)
    room.database.set("votes", 1)
    everybody = room.take("ada", count=8)
    assert len(everybody) == 6
    for person in everybody:
        room.save("ada", person)
    again = room.take("bob", count=8)
    assert sorted(again) == sorted(everybody)
    room.save("bob", again[0])
    assert room.state()["composed"] == 7
    assert room.state()["to_compose"] == 12
    room.vote("ada", f"{again[0]}-1")
    assert room.state()["passed"] == 1


def test_a_skipped_person_comes_back_last(room: Room) -> None:
    order = room.take("ada", count=8)
    room.api.release({"annotator": "ada", "client": "tab"})
    room.api.skip({"annotator": "ada", "client": "tab", "task": "compose", "sample": order[0]})
    assert room.take("ada", count=8) == [*order[1:], order[0]]
    with refused(404):
        room.api.skip({"annotator": "ada", "client": "tab", "task": "compose", "sample": "../x"})


def test_people_taken_off_the_list_are_shown_no_more(room: Room) -> None:
    room.database.list_people(["ccp-002", "lspet-003"])
    assert sorted(room.take("ada", count=8)) == ["ccp-002", "lspet-003"]


def test_many_at_once_lose_nothing(room: Room) -> None:
    people = room.take("ada", count=6)
    refusals: list[Exception] = []

    def work(person: str) -> None:
        try:
            for _ in range(2):
                room.save("ada", person, token=person)
        except Exception as error:
            refusals.append(error)

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals == []
    assert room.state()["composites"] == 6


@pytest.mark.parametrize(
    "change",
    [{"scale": 0}, {"scale": 9}, {"scale": "1"}, {"x": None}, {"x": float("nan")}, {"y": 1e9}, {"angle": 200},
     {"look": -1}, {"look": True}, {"flipped": 1}, {"cutout": ""}, {"token": 3}, {"seconds": -1},
     {"annotator": " "}, {"client": None}],
)  # fmt: skip
def test_malformed_composites_are_refused(room: Room, library: Library, change: dict) -> None:
    body = {"annotator": "ada", "client": "tab", "token": "t", "seconds": 1, **over(library, "ccp-000")}
    with refused(400):
        room.api.save(body | change)
    assert room.state()["composites"] == 0


@pytest.mark.parametrize("change", [{"sample": "../x"}, {"cutout": "../x"}, {"cutout": "person-ccp-000"}])
def test_unknown_people_and_cut_outs_are_not_found(room: Room, library: Library, change: dict) -> None:
    with refused(404):
        room.api.preview(over(library, "ccp-000") | change)


@pytest.mark.parametrize("verdict", ["maybe", None, True])
def test_malformed_votes_are_refused(room: Room, verdict: object) -> None:
    room.save("ada", "ccp-000")
    with refused(400):
        room.vote("bob", "ccp-000-0", verdict)  # type: ignore[arg-type]
    with refused(404):
        room.vote("bob", "ccp-000-1")
