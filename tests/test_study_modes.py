"""The study of modes: the data of the literature, every method searched alike, and a tiny table that is whole."""
import ast
import itertools
from dataclasses import replace

import numpy as np
import pytest

from numpygan import data as datasets
from numpygan.presets import PRESETS, Recipe, build
from numpygan.study import modes, modes_search, runner
from numpygan.study.table import Row


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")


def test_the_data_are_those_of_the_literature():
    ring, grid = (getattr(datasets, name)(**arguments) for name, arguments in modes.DATA.items())
    angle = np.arange(8) * np.pi / 4
    assert np.abs(ring.modes - np.stack([np.cos(angle), np.sin(angle)], 1)).max() < 1e-15
    assert len(np.unique(ring.modes.round(9), axis=0)) == 8
    assert ring.std == 0.01
    assert {tuple(m) for m in grid.modes} == set(itertools.product((-4, -2, 0, 2, 4), repeat=2))
    assert grid.std == 0.05


def test_every_method_gets_three_settings_and_the_same_networks():
    everywhere = {(data, method): [modes.recipe(data, method, choice) for choice in range(3)]
                  for data in modes.DATA for method in modes.SEARCH}
    for (data, method), three in everywhere.items():
        assert len(modes.SEARCH[method]) == len(set(three)) == 3
        assert modes.recipe(data, method) in three
        for r in three:
            assert (r.hidden_G, r.hidden_D, r.z, r.batch) == ((128,) * 3, (128,) * 3, 2, 256)
            assert r.steps * r.k == modes.STEPS[data]
            build(r, datasets.ring(), np.random.default_rng(0))
    cells = modes_search.study().cells
    assert len(cells) == 3 * 3 * len(modes.SEARCH)
    assert {c.seed for c in cells} == {100, 101, 102}
    assert {(c.group, c.settings["recipe"]["steps"] * c.settings["recipe"]["k"]) for c in cells} == {("ring", 1500)}


def searched(**graded):
    """Rows of a search: hinge_0=(modes, quality), or lists of them over the seeds."""
    def row(name, modes, quality):
        pairs = zip(np.atleast_1d(modes), np.atleast_1d(quality), strict=True)
        return Row("ring", "{} [{}]".format(*name.rsplit("_", 1)), [100], [
            {"modes (10,000)": m, "quality (10,000)": q, "modes": 0, "quality": -q} for m, q in pairs])
    return [row(name, *grade) for name, grade in graded.items()]


def test_the_search_chooses_by_modes_and_then_by_quality():
    table = searched(hinge_0=([7, 8], [60, 80]), hinge_1=([6, 9], [80, 60.5]), hinge_2=(7, 99),  # hinge_1: 7.5, 70.25
                     vanilla_0=(8, 61), vanilla_1=(8, 61), minimax_1=(7.5, 70.1), packed_1=(7.5, 69))
    assert list(modes_search.chosen(table).items()) == [("vanilla", 0), ("hinge", 1), ("minimax", 1), ("packed", 1)]


def test_the_search_ends_with_what_it_chose(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(modes_search, "study", lambda quick, whole=modes_search.study: tiny(whole(quick)))
    assert modes_search.main(quick=True, jobs=1, out=str(tmp_path)) == 0
    said = capsys.readouterr().out
    last = ast.literal_eval(said.splitlines()[-1])
    assert set(last) == set(modes.SEARCH)
    assert set(last.values()) <= {0, 1, 2}


def test_what_was_chosen_names_settings_of_the_search():
    assert {method: choice in (0, 1, 2) for method, choice in modes.CHOSEN.items()} == dict.fromkeys(modes.SEARCH, True)


def test_vanilla_the_best_of_the_search_and_the_best_of_the_table_have_ten_seeds_the_others_three():
    cells = [cell for cell in modes.study().cells if cell.method in modes.SEARCH]
    seeds = {key: [c.seed for c in part]
             for key, part in itertools.groupby(cells, lambda c: (c.group, c.method))}
    assert len(seeds) == 2 * len(modes.SEARCH)
    assert {key for key, s in seeds.items() if s == list(range(10))} == {
        *itertools.product(modes.DATA, ("vanilla", "tricks", "non-saturating")),
        ("ring", "hinge"), ("ring", "R1 + R2"), ("grid", "R1 + R2")}
    assert all(s in (list(range(3)), list(range(10))) for s in seeds.values())
    assert len(cells) == 3 * 2 * len(modes.SEARCH) + 7 * (6 + 3)
    assert len(set(modes.TEN)) == 3
    assert set(modes.TEN) < set(modes.SEARCH)
    assert modes.TEN[0] == "vanilla"


def test_one_recipe_for_both_stands_outside_the_comparison():
    """The same for ring and grid but for the data; of the search's settings; and not in the quick table."""
    cells = [cell for cell in modes.study().cells if cell.method not in modes.SEARCH]
    assert [(c.group, c.seed) for c in cells] == [("ring", s) for s in range(3)] + [("grid", s) for s in range(5)]
    ring, grid = (modes.longer(data) for data in modes.DATA)
    assert replace(ring, data="grid") == grid == modes.recipe("grid", "R1 + R2", 1, steps=20_000)
    assert all(cell.settings["recipe"] == modes.longer(cell.group).to_dict() for cell in cells)
    assert all(cell.method in modes.SEARCH for cell in modes.study(quick=True).cells)


def test_the_presets_of_ring_and_grid_are_what_the_table_measured():
    assert PRESETS["ring"] == modes.recipe("ring", "hinge")
    assert PRESETS["grid"] == modes.recipe("grid", "R1 + R2")


def tiny(study):
    """The cells with two steps of small networks."""
    small = {"steps": 2, "hidden_G": [8], "hidden_D": [8], "batch": 16}
    return replace(study, cells=[c._replace(settings=c.settings | {"recipe": c.settings["recipe"] | small})
                                 for c in study.cells])


def test_a_tiny_table_is_whole(tmp_path, capsys):
    assert runner.main(tiny(modes.study(quick=True)), str(tmp_path), jobs=1) == 0
    out = capsys.readouterr().out
    assert "perfect samples of the grid: 25.0 modes, 98.9 %, KL 0.0048 at 2,500" in out
    assert all(f"| {data}  | {method} " in out for data in modes.DATA for method in modes.SEARCH)
    assert (tmp_path / "modes.png").stat().st_size > 10_000
    assert len((tmp_path / "cells.csv").read_text().splitlines()) == 1 + 2 * len(modes.SEARCH)


def test_the_numbers_of_a_cell_are_those_of_its_samples():
    """A generator of width 1 whose samples lie on a line: few modes, counted again here from what the cell keeps."""
    recipe = Recipe("ring", z=1, hidden_G=(1,), hidden_D=(1,), batch=4, steps=1)
    one = modes.measure({"data": {"m": 8, "radius": 1.0, "std": 0.4}, "recipe": recipe.to_dict()}, 3)
    angle = np.arange(8) * np.pi / 4
    x = np.array(one["samples"])
    distance = np.linalg.norm(x[:, None] - np.stack([np.cos(angle), np.sin(angle)], 1), axis=2)
    share = 100 * np.mean(distance.min(1) <= 3 * 0.4)
    assert x.shape == (modes.SHOWN, 2)
    assert one["quality"] == pytest.approx(share, abs=6 * 50 / np.sqrt(modes.SHOWN))
    assert one["quality"] == pytest.approx(one["quality (10,000)"], abs=6 * 50 / np.sqrt(modes.FEW))
    assert one["modes"] <= one["modes (10,000)"] <= 8
    again = modes.measure({"data": {"m": 8, "radius": 1.0, "std": 0.4}, "recipe": recipe.to_dict()}, 3)
    assert again == one
