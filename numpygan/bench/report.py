"""`numpygan bench`: run the races and print them, as tables, as JSON and as a picture."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..app.outputs import check_file
from ..app.terminal import say
from ..files import write_json
from .race import OURS, PEERS, SCALING, contestants, cpus, imports, installed, race, ratio, starts
from .workloads import ALL, GROWTH, WORKLOADS, megaflops


def main(names: Sequence[str] = (), rounds: int = 9, threads: int | None = None, json: str | None = None,
         out: str | None = None) -> int:
    """Race the named workloads; without names all of them, how time grows with their size, and how long a start takes.

    `json` and `out` are the files to write the figures and a chart to.
    """
    for option, path in (("--json", json), ("--out", out)):
        if path is not None:
            check_file(path, option)
    threads = threads or cpus()
    who = [OURS, f"{OURS} (numpy)", *installed(), "floor"]
    libraries = sorted({PEERS[p] for p in who if p in PEERS})
    failures: dict[str, str] = {}
    print(f"{threads} thread{'s' * (threads > 1)}, {rounds} rounds in turns; ms per iteration, D's step and G's: "
          f"median [least, most]")
    if missing := sorted(set(PEERS.values()).difference(libraries)):
        print(f"not installed: {' and '.join(missing)}; pip install 'numpygan[bench]' brings them")
    results: dict[str, Any] = {"threads": threads, "rounds": rounds,
                               "workloads": _workloads(names or WORKLOADS, who, rounds, threads, failures)}
    if not names:
        _print_peaks(results["workloads"])
        results["growth"] = _growth([w for w in SCALING if w in who], max(3, rounds // 3), threads, failures)
        results["start"] = starts(WORKLOADS["fig1"], [w for w in who if w != "floor"], threads)
        results["import"] = imports([OURS, *libraries])
        _print_starts(results)
    for sentence in failures.values():
        print(sentence)
    if json:
        write_json(json, results)
    if out:
        from .. import plots
        from ..plots.bench import bench
        plots.save(bench(results), out)
    return 0


def _workloads(names, who, rounds, threads, failures):
    """{"fig1": its shape, times and peaks, …}, printed as they come."""
    found = {}
    with contestants(who, threads) as rivals:
        for name in names:
            say(f"racing: {name}")
            found[name] = race(ALL[name], rivals, rounds, failures) | {"shape": str(ALL[name])}
            _print_race(name, found[name])
    return found


def _growth(who, rounds, threads, failures):
    """{"batch": {16: times, …}, "width": …}, printed as it comes."""
    found: dict[str, dict[int, Any]] = {}
    with contestants(who, threads) as rivals:
        for axis, workloads in GROWTH.items():
            first = next(iter(workloads.values()))
            print(f"\nms as the {axis} grows, from {first}\n  {axis:<18}" + "".join(f"{n:>10}" for n in workloads))
            found[axis] = {}
            for n, w in workloads.items():
                say(f"racing: {axis} {n}")
                found[axis][n] = race(w, rivals, rounds, failures)
            for rival in who:
                medians = [np.median(result["ms"].get(rival, np.nan)) for result in found[axis].values()]
                print(f"  {rival:<18}" + "".join(f"{t:10.3f}" for t in medians))
    return found


def _print_race(name: str, result: Mapping[str, Any]) -> None:
    w, times = ALL[name], result["ms"]
    print(f"\n{name}: {w}" + ("" if w.variant else f", {megaflops(w):,.1f} MFLOP"))
    for who, t in times.items():
        print(f"  {who:<18} {np.median(t):9.3f} ms  [{min(t):.3f}, {max(t):.3f}]  {ratio(result, who, OURS):7.2f} x")
    peers = {who: ratio(result, who, OURS) for who in times if who in PEERS}
    if peers:
        best = min(peers, key=lambda who: peers[who])
        floor = f"; {OURS} takes {ratio(result, OURS, 'floor'):.2f} x the floor" if "floor" in times else ""
        print(f"  the best peer, {best}, takes {peers[best]:.2f} x as long as {OURS}{floor}")


def _print_peaks(workloads: Mapping[str, Any]) -> None:
    """After the last of them; nothing where the system does not say."""
    *_, last = workloads.values()
    if last["peak"]:
        print("\nthe most memory held, MB: " + ", ".join(f"{who} {mb:,.0f}" for who, mb in last["peak"].items()))


def _print_starts(results: Mapping[str, Any]) -> None:
    print("\nseconds to import: " + ", ".join(f"{name} {s:.2f}" for name, s in results["import"].items()))
    print("seconds from nothing to the end of the first iteration of fig1: "
          + ", ".join(f"{who} {s['first step']:.1f}" for who, s in results["start"].items() if "first step" in s)
          + f"; {OURS} with nothing compiled {results['start'][OURS]['cold']:.1f}")
