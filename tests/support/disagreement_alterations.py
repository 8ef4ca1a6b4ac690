"""Twenty-seven alterations of the evidence of a disagreement, for the specification and for every contract.

`ALTERATIONS[name]` is the function, which changes a case in place or leaves it alone where it does not apply, and the
set of error codes it may be refused with (none: it is still true).
"""

from collections.abc import Callable
from random import Random

from disagreement_cases import U64, Case, Node, crowned, leaf_of, levels_of, post_of, ranges_beside, show, wrapped_post

from stun.protocol.trees.resolve import pack_siblings
from stun.protocol.trees.results import Result, ResultsTree

Alteration = Callable[[Case, Random], None]
ALTERATIONS: dict[str, tuple[Alteration, set[str]]] = {}


def alteration(*codes: str) -> Callable[[Alteration], Alteration]:
    """Register an alteration with the causes it may be refused for."""

    def register(alter: Alteration) -> Alteration:
        ALTERATIONS[alter.__name__] = (alter, {f"resolve: {code}" for code in codes})
        return alter

    return register


def spot(case: Case, random: Random) -> tuple[int, int, Result]:
    k, j = random.randrange(len(case.tasks)), random.randrange(case.replicas)
    return k, j, case.leaves[k][j]


@alteration("siblings")
def spare_sibling(case: Case, random: Random) -> None:
    extra = random.choice([*case.siblings, (random.randbytes(32), 0)])
    case.siblings.insert(random.randrange(len(case.siblings) + 1), extra)


@alteration("siblings")
def missing_sibling(case: Case, random: Random) -> None:
    if case.siblings:
        case.siblings.pop(random.randrange(len(case.siblings)))


@alteration("order")
def unsorted_tasks(case: Case, random: Random) -> None:
    if len(case.tasks) > 1:
        k = random.randrange(len(case.tasks) - 1)
        case.tasks[k : k + 2] = reversed(case.tasks[k : k + 2])
        case.leaves[k : k + 2] = reversed(case.leaves[k : k + 2])


@alteration("order", "size")
def repeated_task(case: Case, random: Random) -> None:
    k, _, _ = spot(case, random)
    case.tasks.insert(k, case.tasks[k])
    case.leaves.insert(k, case.leaves[k])


@alteration("index")
def index_too_large(case: Case, random: Random) -> None:
    case.tasks[-1] = random.choice([case.count, case.count + 1, case.count + 2, 2**32 - 1])


@alteration("root", "overflow")
def other_units(case: Case, random: Random) -> None:
    k, j, known = spot(case, random)
    units = random.choice([known.units + 1, 0, U64, known.units ^ (1 << random.randrange(63))])
    case.leaves[k][j] = Result(known.output_digest, units)


@alteration("root")
def other_digest(case: Case, random: Random) -> None:
    k, j, known = spot(case, random)
    case.leaves[k][j] = Result(bytes([known.output_digest[0] ^ 1]) + known.output_digest[1:], known.units)


@alteration("root")
def hidden_difference(case: Case, random: Random) -> None:
    hidden = [task for task in range(case.count) if task not in case.tasks]
    if hidden:
        j, task = random.randrange(case.replicas), random.choice(hidden)
        case.results[j][task] = Result(random.randbytes(32), case.results[j][task].units)
        case.posts[j] = post_of(case.results[j])
        show(case, case.tasks, random.choice([0, j]))


@alteration("overflow")
def sums_that_wrap(case: Case, random: Random) -> None:
    k, j, known = spot(case, random)
    case.leaves[k][j] = case.results[j][case.tasks[k]] = Result(known.output_digest, U64 - random.randrange(2))
    case.posts[j] = wrapped_post(case.results[j])


@alteration("overflow")
def sums_that_wrap_in_two(case: Case, random: Random) -> None:
    k, _, known = spot(case, random)
    for j in (0, 1):  # the same leaf, so that it is not lost and no later subtraction hides it
        case.leaves[k][j] = case.results[j][case.tasks[k]] = Result(known.output_digest, U64)
        case.posts[j] = wrapped_post(case.results[j])


@alteration("root", "overflow")
def siblings_in_another_order(case: Case, random: Random) -> None:
    if len(case.siblings) > 1:
        k = random.randrange(len(case.siblings) - 1)
        case.siblings[k : k + 2] = reversed(case.siblings[k : k + 2])


@alteration("root", "overflow")
def sibling_with_other_units(case: Case, random: Random) -> None:
    if case.siblings:
        k = random.randrange(len(case.siblings))
        digest, units = case.siblings[k]
        case.siblings[k] = (digest, random.choice([units + 1, U64, 0]))


@alteration("root")
def sibling_with_another_hash(case: Case, random: Random) -> None:
    if case.siblings:
        k, level = random.randrange(len(case.siblings)), random.choice(ResultsTree(case.results[0]).levels)
        case.siblings[k] = (random.choice(level)[0], case.siblings[k][1])


@alteration("root")
def replicas_exchanged(case: Case, random: Random) -> None:
    case.leaves = [row[::-1] for row in case.leaves]


@alteration("root", "siblings", "index", "overflow")
def another_count(case: Case, random: Random) -> None:
    case.count = max(1, case.count + random.choice([1, -1, case.count]))


@alteration("root")
def another_total(case: Case, random: Random) -> None:
    _, j, _ = spot(case, random)
    case.posts[j] = (case.posts[j][0], case.posts[j][1] + random.choice([1, -1]))


@alteration("empty")
def no_tasks(case: Case, random: Random) -> None:
    case.tasks, case.leaves = [], []
    case.siblings = random.choice([case.siblings, [ResultsTree(case.results[0]).levels[-1][0]]])


@alteration("leaves")
def another_number_of_leaves(case: Case, random: Random) -> None:
    k, j, known = spot(case, random)
    change = random.randrange(4)
    if change < 2:
        case.leaves[k] = case.leaves[k][:j] + [known] * (2 * change) + case.leaves[k][j + 1 :]
    elif change == 2:
        case.leaves.pop(k)
    else:
        case.leaves.append(case.leaves[k])


@alteration("root", "overflow")
def nodes_passed_off_as_leaves(case: Case, random: Random) -> None:
    trees = [ResultsTree(results) for results in case.results]
    if case.count > 1:
        case.count = len(trees[0].levels[1])
        case.tasks = sorted({task >> 1 for task in case.tasks})
        case.leaves = [[Result(*tree.levels[1][task]) for tree in trees] for task in case.tasks]
        beside = ranges_beside(0, case.count, set(case.tasks))
        case.siblings = [trees[0].levels[1 + height][first >> height] for height, first in sorted(beside)]


@alteration("root")
def inner_node_with_other_units(case: Case, random: Random) -> None:
    _, j, _ = spot(case, random)
    levels = levels_of([leaf_of(task, result) for task, result in enumerate(case.results[j])])
    if len(levels) > 2:
        height = random.randrange(1, len(levels) - 1)
        place = random.randrange(len(levels[height]))
        digest, units = levels[height][place]
        levels[height][place] = (digest, units + 1)
        top, total = levels_of(levels[height])[-1][0]
        case.posts[j] = (crowned(case.count, top), total)


@alteration("siblings")
def cut_bytes(case: Case, random: Random) -> None:
    case.packed = pack_siblings(case.siblings)[: -1 - random.randrange(39)] if case.siblings else b"\x00"


@alteration("siblings")
def spare_bytes(case: Case, random: Random) -> None:
    case.packed = pack_siblings(case.siblings) + bytes(1 + random.randrange(39))


@alteration("root")
def shifted_digest(case: Case, random: Random) -> None:
    k, j, known = spot(case, random)
    case.leaves[k][j] = Result(known.output_digest[1:] + known.output_digest[:1], known.units)


@alteration("order", "index", "size")
def ghost_paths(case: Case, random: Random) -> None:
    """Tasks behind the true ones whose paths a careless verifier climbs beside the compared one, with forged units."""
    high = random.choice([case.count, case.count + 1, case.count + random.randrange(2, 40), 1 << 20, 2**32 - 1])
    ghost = random.choice([random.choice(case.tasks), random.randrange(case.tasks[-1] + 1), high])
    ghosts = [ghost] * random.randrange(1, 3)
    case.siblings = ghost_siblings(case, ghosts, random)
    case.tasks += ghosts
    case.leaves += [[Result(random.randbytes(32), random.randrange(1, 4)) for _ in case.results] for _ in ghosts]


def ghost_siblings(case: Case, ghosts: list[int], random: Random) -> list[Node]:
    """What a climb without checks of order and index would eat: true nodes for true paths, junk for the others."""
    frontier = [(task, True) for task in case.tasks] + [(task, False) for task in ghosts]
    taken: list[Node] = []
    for level in ResultsTree(case.results[0]).levels[:-1]:
        above, i = [], 0
        while i < len(frontier):
            position, real = frontier[i]
            i += 1
            if position & 1 or position + 1 < len(level):
                if not position & 1 and i < len(frontier) and frontier[i][0] == position + 1:
                    i += 1
                else:
                    inside = real and position ^ 1 < len(level)
                    taken.append(level[position ^ 1] if inside else (random.randbytes(32), 0))
            above.append((position >> 1, real))
        frontier = above
    return taken


@alteration("root")
def another_root(case: Case, random: Random) -> None:
    _, j, _ = spot(case, random)
    case.posts[j] = (random.choice([random.randbytes(32), case.posts[j - 1][0]]), case.posts[j][1])


@alteration("root", "empty")
def task_left_out(case: Case, random: Random) -> None:
    k, j, _ = spot(case, random)
    show(case, case.tasks[:k] + case.tasks[k + 1 :], j)


@alteration()
def equal_task_added(case: Case, random: Random) -> None:
    others = [task for task in range(case.count) if task not in case.tasks]
    if others and len(case.tasks) < 32:
        show(case, sorted([*case.tasks, random.choice(others)]))
