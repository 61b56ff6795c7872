"""Which step every way to a step passes through last: Cooper, Harvey and Kennedy's simple algorithm."""

from collections.abc import Mapping


def dominators(
    graph: Mapping[str, list[str]], heads: list[str], root: str
) -> tuple[dict[str, str], list[str]]:
    """(immediate dominator a step, steps in reverse postorder), as seen from a `root` that leads to
    every head. Every step of `graph` must be reachable from a head."""
    order = _reverse_postorder(graph, heads)
    place = {step: n for n, step in enumerate(order, 1)} | {root: 0}
    before: dict[str, list[str]] = {step: [] for step in order}
    for head in heads:
        before[head].append(root)
    for step in order:
        for target in graph[step]:
            before[target].append(step)
    above: dict[str, str] = {root: root}
    changed = True
    while changed:
        changed = False
        for step in order:
            known = [one for one in before[step] if one in above]
            best = known[0]
            for other in known[1:]:
                best = _meeting(above, place, best, other)
            if above.get(step) != best:
                above[step] = best
                changed = True
    return {step: above[step] for step in order}, order


def _meeting(above: dict[str, str], place: dict[str, int], one: str, other: str) -> str:
    while one != other:
        while place[one] > place[other]:
            one = above[one]
        while place[other] > place[one]:
            other = above[other]
    return one


def _reverse_postorder(graph: Mapping[str, list[str]], heads: list[str]) -> list[str]:
    """Every step before those it leads to, loops aside; ways in the order they are listed."""
    done: list[str] = []
    seen: set[str] = set()
    for head in reversed(heads):
        if head in seen:
            continue
        seen.add(head)
        path = [(head, iter(reversed(graph[head])))]
        while path:
            step, ahead = path[-1]
            following = next((target for target in ahead if target not in seen), None)
            if following is None:
                done.append(step)
                path.pop()
            else:
                seen.add(following)
                path.append((following, iter(reversed(graph[following]))))
    return done[::-1]
