"""Whole lives of batches, and single actions, each transaction's gas noted under its name."""

from dataclasses import dataclass, field
from hashlib import sha256

from scripts.bench.gas_beacon import play_rounds
from scripts.bench.gas_chain import DEPOSIT, STAKE, STUN, GasChain, Party, digest
from stun.chains.market import Offer, Opening, Sealed
from stun.protocol.market.state import Terms
from stun.protocol.messages import NOBODY, Accept, Bid, Commit, Operator, Order, Post, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.resolve import prove_differences
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import commitment, model_id

LIFE_SECONDS = 3_600
POST_SECONDS = 600
CHALLENGE_SECONDS = 600
PAID = 65_536 * 10_000  # of one replica, whatever its count of tasks: 0.66 STUN
MILLION = 10**6
TASKS = 128
MANIFEST = digest("manifest")


@dataclass
class Lives:
    """Plays batches on a chain; the parties deposit, stake and register a model first."""

    chain: GasChain
    orders: int = field(default=0)

    def prepare(self) -> None:
        """Set everybody up and note what that costs."""
        chain, stun = self.chain, self.chain.market.stun
        for party in (chain.requester, *chain.providers):
            chain.spend("deposit_first", party, party.writer.deposit(chain.key(), stun, DEPOSIT, party.id))
        for provider in chain.providers:
            chain.spend("stake_first", provider, provider.writer.stake(chain.key(), STAKE))
        roots = (MANIFEST, digest("weights"), digest("graph"), NumericClass.EXACT)
        chain.spend("register_model", chain.creator, chain.creator.writer.register_model(chain.key(), *roots))

    def open(self, label: str, tasks: int, replicas: int, word: int = 0, matcher: Party | None = None) -> "Played":
        """Match an order of `tasks` tasks with bids of the first providers, its nonce in a word of the week."""
        chain = self.chain
        brings = matcher or chain.matcher
        order = self._order(tasks, replicas, word)
        batch_id = order.digest(chain.market.domain)
        bids = [Bid(p.id, batch_id, order.max_price, brings.id, order.expires_at) for p in chain.providers[:replicas]]
        pairs = zip(bids, chain.providers, strict=False)
        offers = [Offer(bid, chain.sign(provider, bid)) for bid, provider in pairs]
        intent = brings.writer.match(chain.key(), order, chain.sign(chain.requester, order), offers)
        spent = chain.spend(f"match_{label}", brings, intent)
        return Played(chain, label, batch_id, chain.market.terms(batch_id), spent)

    def _order(self, tasks: int, replicas: int, word: int) -> Order:
        chain = self.chain
        self.orders += 1
        expires_at = chain.market.now() + LIFE_SECONDS
        price = PAID * MILLION // tasks
        return Order(
            requester=chain.requester.id, asset=chain.market.stun, model_id=model_id(chain.creator.id, MANIFEST),
            specs_root=digest(f"specs {self.orders}"), count=tasks, max_units=1, start_price=price, max_price=price,
            ramp_start=0, ramp_seconds=0, replicas=replicas, audit_ppm=100_000, post_seconds=POST_SECONDS,
            task_seconds=1, challenge_seconds=CHALLENGE_SECONDS, tier=0, flags=0, recipient_key=digest("recipient"),
            matcher=NOBODY, providers_root=NOBODY, tip=0, config=0, expires_at=expires_at,
            nonce=nonce_of(expires_at, word, self.orders % 256),
        )  # fmt: skip


def results(tasks: int, wrong: dict[int, str] | None = None) -> ResultsTree:
    """Return a results tree of one unit a task; `wrong` gives single tasks another output."""
    changed = wrong or {}
    texts = (changed.get(task, f"output {task}") for task in range(tasks))
    return ResultsTree(Result(sha256(text.encode()).digest(), 1) for text in texts)


@dataclass
class Played:
    """A batch in play; `total` is what it cost so far."""

    chain: GasChain
    label: str
    batch_id: bytes
    terms: Terms
    total: int

    def post(self, tree: ResultsTree) -> "Played":
        """The lone provider posts by its own call."""
        provider = self.chain.providers[0]
        intent = provider.writer.post(self.chain.key(), self.batch_id, self.terms, tree.top)
        self.total += self.chain.spend(f"post_{self.label}", provider, intent)
        return self

    def deliver(self, trees: list[ResultsTree]) -> "Played":
        """The settler brings every commitment and every opening in one transaction."""
        sealed, openings = [], []
        for replica, tree in enumerate(trees):
            provider = self.chain.providers[replica]
            salt = digest(f"salt {self.label} {replica}")
            seal = commitment(self.batch_id, provider.id, tree.root, tree.total_units, salt)
            signature = self.chain.sign(provider, Commit(self.batch_id, provider.id, seal))
            sealed.append(Sealed(replica, seal, signature))
            openings.append(Opening(replica, tree.top, salt))
        settler = self.chain.settler
        intent = settler.writer.deliver(self.chain.key(), self.batch_id, self.terms, sealed, openings)
        self.total += self.chain.spend(f"deliver_{self.label}", settler, intent)
        return self

    def resolve(self, trees: list[ResultsTree]) -> "Played":
        """The settler shows in which tasks the replicas differ."""
        evidence = prove_differences(trees)
        settler = self.chain.settler
        intent = settler.writer.resolve(self.chain.key(), self.batch_id, self.terms, evidence)
        self.total += self.chain.spend(f"resolve_{self.label}", settler, intent)
        return self

    def settle(self, tree: ResultsTree, settler: Party | None = None) -> "Played":
        """The settler ends the batch when its window is over."""
        who = settler or self.chain.settler
        self.chain.node.travel(CHALLENGE_SECONDS)
        intent = who.writer.settle(self.chain.key(), self.batch_id, self.terms, tree.root, tree.total_units)
        self.total += self.chain.spend(f"settle_{self.label}", who, intent)
        return self

    def accept(self, tree: ResultsTree, caller: Party) -> "Played":
        """Post and acceptance of a lone provider's result come in one call; who calls needs no signature."""
        chain = self.chain
        message = Accept(self.batch_id, tree.root, tree.total_units)
        provider = chain.providers[0]
        post = Post(self.batch_id, provider.id, tree.root, tree.total_units)
        accepted = b"" if caller is chain.requester else chain.sign(chain.requester, message)
        posted = b"" if caller is provider else chain.sign(provider, post)
        claim = (self.batch_id, self.terms, tree.root, tree.total_units)
        intent = caller.writer.accept(chain.key(), *claim, accepted, True, posted)
        self.total += chain.spend(f"accept_{self.label}", caller, intent)
        return self

    def end(self, name: str = "") -> None:
        """Note the whole life's gas."""
        self.chain.gas[f"life_{name or self.label}"] = self.total


def play_lone(lives: Lives) -> None:
    """One replica at 128, 1 and 65,536 tasks; the first of all lives, and the first nonce of a word, apart."""
    newcomer = lives.chain.newcomer
    lives.open("1_first", TASKS, 1, matcher=newcomer).post(results(TASKS)).settle(results(TASKS), newcomer).end()
    lives.open("warm", TASKS, 1).post(results(TASKS)).settle(results(TASKS))
    for label, tasks in (("1", TASKS), ("1_of_1", 1), ("1_of_65536", 65_536)):
        tree = results(tasks)
        lives.open(label, tasks, 1).post(tree).settle(tree).end()
    tree = results(TASKS)
    lives.open("1_new_nonce_word", TASKS, 1, word=1).post(tree).settle(tree).end()


def play_several(lives: Lives) -> None:
    """Two and three replicas that agree, by the cheap lane; each provider has earned before."""
    tree = results(TASKS)
    lives.open("warm", TASKS, 3).deliver([tree] * 3).settle(tree)
    for replicas in (2, 3):
        lives.open(str(replicas), TASKS, replicas).deliver([tree] * replicas).settle(tree).end()


def play_accepted(lives: Lives) -> None:
    """One replica accepted at once, brought by the provider, by the requester, by a keeper."""
    chain, tree = lives.chain, results(TASKS)
    lives.open("accepted", TASKS, 1).accept(tree, chain.providers[0]).end()
    lives.open("accepted_by_requester", TASKS, 1).accept(tree, chain.requester).end()
    lives.open("accepted_by_keeper", TASKS, 1).accept(tree, chain.settler).end()


def play_resolved(lives: Lives) -> None:
    """1, 8 and 32 differing tasks of 1,024, all three replicas different in each; and one with two replicas."""
    for differing, replicas in ((1, 3), (8, 3), (32, 3), (1, 2)):
        tasks = [(7 + 1_024 // differing * i) % 1_024 for i in range(differing)]
        trees = [results(1_024, {t: f"replica {k} {t}" for t in tasks}) for k in range(replicas)]
        label = f"{differing}_of_1024" + ("" if replicas == 3 else f"_of_{replicas}_replicas")
        lives.open(label, 1_024, replicas).deliver(trees).resolve(trees).settle(trees[0]).end(f"resolved_{label}")


def play_alone(lives: Lives) -> None:
    """Single actions: money, stake, keys, cancelled orders, and a batch that nobody serves."""
    chain, stun = lives.chain, lives.chain.market.stun
    who, provider = chain.requester, chain.providers[0]
    chain.spend("withdraw", who, who.writer.withdraw(chain.key(), stun, STUN, who.id))
    chain.spend("deposit", who, who.writer.deposit(chain.key(), stun, STUN, who.id))
    chain.spend("stake", provider, provider.writer.stake(chain.key(), STUN))
    chain.spend("unstake", provider, provider.writer.unstake(chain.key(), STUN))
    operator = Operator(provider.id, chain.settler.id, 0, 0)
    chain.spend("set_operator", provider, provider.writer.set_operator(chain.key(), operator))
    expires_at = chain.market.now() + LIFE_SECONDS
    for label, nonce in (("cancel_order_new_nonce_word", 0), ("cancel_order", 1)):
        intent = who.writer.cancel_order(chain.key(), nonce_of(expires_at, 2, nonce))
        chain.spend(label, who, intent)
    left = lives.open("warm", TASKS, 1)
    chain.spend("leave", provider, provider.writer.leave(chain.key(), left.batch_id, left.terms, 0))
    silent = lives.open("warm", TASKS, 1)
    chain.node.travel(POST_SECONDS)
    keeper = chain.settler
    chain.spend("expire", keeper, keeper.writer.expire(chain.key(), silent.batch_id, silent.terms))


def play_all(chain: GasChain) -> None:
    """Play every life and every action on a fresh chain."""
    lives = Lives(chain)
    lives.prepare()
    for play in (play_lone, play_several, play_accepted, play_resolved, play_alone):
        play(lives)
    play_rounds(chain)
    for name in [name for name in chain.gas if name.endswith("_warm")]:
        del chain.gas[name]
